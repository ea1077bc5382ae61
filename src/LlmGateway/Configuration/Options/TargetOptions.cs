namespace LlmGateway.Configuration.Options;

/// <summary>What an agent, an overlay or a fallback says of where its calls go and how they are sampled; null: left out.</summary>
internal record TargetOptions
{
    /// <summary>Provider's name. Another provider than the inherited one brings its own default model and key. Default: the environment's.</summary>
    public string? Provider { get; init; }

    /// <summary>The model as the provider names it. Default: the provider's default model.</summary>
    public string? ModelName { get; init; }

    /// <summary>Name of the variable that holds the key. Default: the provider's own variable.</summary>
    public string? ApiKeyEnv { get; init; }

    /// <summary>0 to 2. Default: <c>LLM_TEMPERATURE</c>, else the provider's.</summary>
    public string? Temperature { get; init; }

    /// <summary>Tokens of the answer, at least 1. Default: the provider's.</summary>
    public string? MaxTokens { get; init; }

    /// <summary>0 to 1. Default: the provider's.</summary>
    public string? TopP { get; init; }

    /// <summary>One text or up to 16, as JSON. Default: none.</summary>
    public string? Stop { get; init; }

    /// <summary>A whole number. Default: none.</summary>
    public string? Seed { get; init; }

    /// <summary>A word such as <c>low</c>, as JSON. Default: the provider's.</summary>
    public string? ReasoningEffort { get; init; }

    /// <summary>Whether <c>response_format</c> is <c>json</c>. Default: <c>text</c>.</summary>
    public bool? WantsJson { get; init; }

    /// <summary>Seconds for one attempt. Default: the provider's, else <c>LLM_TIMEOUT</c>, else <c>llm.timeout</c>, else 60.</summary>
    public TimeSpan? Timeout { get; init; }

    /// <summary>Name of the variable that holds the department's ticket. Default: <c>INTERNAL_LLM_TICKET</c>.</summary>
    public string? TicketEnv { get; init; }

    /// <summary>Line in the file, for messages.</summary>
    public int Line { get; init; }

    /// <summary>Path in the file, for messages.</summary>
    public string Path { get; init; } = "";
}
