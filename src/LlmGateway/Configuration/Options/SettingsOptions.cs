using LlmGateway.Model;

namespace LlmGateway.Configuration.Options;

/// <summary><c>llm_settings.yaml</c> as written.</summary>
internal sealed record SettingsOptions
{
    /// <summary>Provider of roles and of bare model names that several list. Default: the environment's.</summary>
    public string? DefaultProvider { get; init; }

    /// <summary>Line of <c>default_provider</c>, for messages.</summary>
    public int DefaultProviderLine { get; init; }

    /// <summary>Default model of that provider. Default: its first listed one.</summary>
    public string? DefaultModel { get; init; }

    /// <summary>Seconds for one attempt, below <c>LLM_TIMEOUT</c>. Default: 60.</summary>
    public TimeSpan? Timeout { get; init; }

    /// <summary>Attempts on the same target before the next, 0 to 10. Default: 0.</summary>
    public int RetryAttempts { get; init; }

    /// <summary><c>single</c>, <c>best_of_two</c> or <c>fastest</c>. Default: <c>single</c>.</summary>
    public string Strategy { get; init; } = "single";

    public CircuitConfig Circuit { get; init; } = CircuitConfig.Default;

    /// <summary>Calls to one target at once. Default: no limit.</summary>
    public int? MaxConcurrencyPerTarget { get; init; }

    /// <summary>Role → its models. Default: none.</summary>
    public IReadOnlyDictionary<string, IReadOnlyList<string>> Roles { get; init; } = new Dictionary<string, IReadOnlyList<string>>();

    /// <summary>Providers in the file's order.</summary>
    public IReadOnlyList<ProviderOptions> Providers { get; init; } = [];

    public IReadOnlyDictionary<string, McpServerConfig> McpServers { get; init; } = new Dictionary<string, McpServerConfig>();

    public ToolsConfig Tools { get; init; } = new();
}
