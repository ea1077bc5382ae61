using LlmGateway.Model;

namespace LlmGateway.Configuration.Options;

/// <summary>One entry of <c>providers</c> as written; null: left out.</summary>
internal sealed record ProviderOptions
{
    /// <summary>The name, an alias resolved.</summary>
    public required string Name { get; init; }

    /// <summary>The dialect. Default: by name, else <c>openai</c>.</summary>
    public string? Type { get; init; }

    /// <summary>Absolute http(s) URL, with or without version path. Default: the built-in provider's; others must name it.</summary>
    public Uri? BaseUrl { get; init; }

    /// <summary>The key, mostly as <c>${NAME}</c>. Default: the provider's own variable.</summary>
    public string? ApiKey { get; init; }

    /// <summary>Whether <c>api_key</c> is there, set or not.</summary>
    public bool NamesApiKey { get; init; }

    /// <summary>The variables that <c>api_key</c> refers to.</summary>
    public IReadOnlyList<string> ApiKeyVariables { get; init; } = [];

    /// <summary>Extra headers of every call. Default: none.</summary>
    public IReadOnlyList<KeyValuePair<string, string>> Headers { get; init; } = [];

    /// <summary>Listed models in the file's order. Default: none.</summary>
    public IReadOnlyList<ModelConfig> Models { get; init; } = [];

    /// <summary>Whether streams are asked for usage. Default: true.</summary>
    public bool? StreamUsage { get; init; }

    /// <summary>Other names for the identity headers. Default: only internal providers get any.</summary>
    public IdentityHeaderNames? IdentityHeaders { get; init; }

    /// <summary>Whether <c>traceparent</c> is passed on. Default: internal providers only.</summary>
    public bool? Trace { get; init; }

    /// <summary>The API's version, where the dialect sends one. Default: the dialect's.</summary>
    public string? ApiVersion { get; init; }

    /// <summary>The server behind an OpenAI-compatible API, whose habits are evened out; <c>plain</c>: none. Default: by well-known address.</summary>
    public string? Flavor { get; init; }

    /// <summary>
    /// Version of HTTP: <c>1.1</c>, a connection for each call, or <c>2</c>, many calls on one. <c>2</c> is negotiated over https (1.1 where the
    /// server knows no better) and taken for granted over http. Default: 1.1.
    /// </summary>
    public string? HttpVersion { get; init; }

    /// <summary>Seconds for one attempt, below the agent's own. Default: <c>LLM_TIMEOUT</c>.</summary>
    public TimeSpan? Timeout { get; init; }

    /// <summary>How a mock behaves. Default: healthy.</summary>
    public MockBehavior? Behavior { get; init; }

    public int Line { get; init; }

    public string Path { get; init; } = "";
}
