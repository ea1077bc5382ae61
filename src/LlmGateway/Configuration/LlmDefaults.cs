namespace LlmGateway.Configuration;

/// <summary>What the settings say of providers and calls, where the files say nothing.</summary>
public sealed record LlmDefaults
{
    /// <summary><c>INTERNAL_LLM_BASE_URL</c>. Default: none.</summary>
    public Uri? InternalBaseUrl { get; init; }

    /// <summary><c>INTERNAL_LLM_MODEL</c>. Default: none.</summary>
    public string? InternalModel { get; init; }

    /// <summary><c>INTERNAL_LLM_TICKET</c>, the department's. Default: none.</summary>
    public string? Ticket { get; init; }

    /// <summary><c>INTERNAL_LLM_SYSTEM_NAME</c>. Default: none.</summary>
    public string? SystemName { get; init; }

    /// <summary><c>USER_ID</c>. Default: none.</summary>
    public string? UserId { get; init; }

    /// <summary><c>USER_TYPE</c>. Default: <c>AD</c>.</summary>
    public string UserType { get; init; } = "AD";

    /// <summary><c>OLLAMA_BASE_URL</c>. Default: <c>http://localhost:11434</c>.</summary>
    public Uri OllamaBaseUrl { get; init; } = new("http://localhost:11434");

    /// <summary>Whether <c>OLLAMA_BASE_URL</c> is set: outside development, Ollama follows the fallbacks only then.</summary>
    public bool IsOllamaSet { get; init; }

    /// <summary><c>OLLAMA_MODEL</c>; null: the settings file's, else <c>llama3.1</c>.</summary>
    public string? OllamaModel { get; init; }

    /// <summary><c>LLM_TIMEOUT</c>: seconds for one attempt. Default: <c>llm.timeout</c>, else 60.</summary>
    public TimeSpan? Timeout { get; init; }

    /// <summary><c>LLM_TOTAL_TIMEOUT</c>: seconds for one request. Default: 600.</summary>
    public TimeSpan TotalTimeout { get; init; } = TimeSpan.FromSeconds(600);

    /// <summary><c>LLM_MAX_RETRIES</c>, 0 to 10: attempts after the first. Default: 3.</summary>
    public int? MaxRetries { get; init; }

    /// <summary><c>LLM_TEMPERATURE</c>, 0 to 2, as written. Default: the provider's.</summary>
    public string? Temperature { get; init; }

    public override string ToString() => nameof(LlmDefaults);
}
