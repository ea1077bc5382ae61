namespace LlmGateway.Configuration.Options;

/// <summary><c>agent_llm_config.json</c> as written.</summary>
internal sealed record AgentsOptions
{
    public AgentOptions Default { get; init; } = AgentOptions.Empty;

    public IReadOnlyDictionary<string, AgentOptions> Agents { get; init; } = new Dictionary<string, AgentOptions>();

    /// <summary><c>fallback_settings.enabled</c>: false switches off every fallback but development's mock. Default: true.</summary>
    public bool IsFallbackEnabled { get; init; } = true;

    /// <summary>Attempts after the first, 0 to 10; the lower of this and <c>LLM_MAX_RETRIES</c> wins. Default: 3.</summary>
    public int? MaxRetries { get; init; }

    /// <summary>What follows where an agent has no list of its own. Default: none.</summary>
    public IReadOnlyList<TargetOptions> Fallbacks { get; init; } = [];
}
