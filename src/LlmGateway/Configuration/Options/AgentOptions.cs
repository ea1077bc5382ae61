using LlmGateway.Model;

namespace LlmGateway.Configuration.Options;

/// <summary>An agent, the default profile or an overlay as the file says it; null: left out, so inherited.</summary>
internal sealed record AgentOptions : TargetOptions
{
    public AgentOptions()
    {
    }

    /// <param name="target">What an agent says as any other target does.</param>
    public AgentOptions(TargetOptions target)
        : base(target)
    {
    }

    public static AgentOptions Empty { get; } = new();

    /// <summary>Goes in front of the client's system messages. Default: none.</summary>
    public string? SystemPrompt { get; init; }

    /// <summary><c>single</c>, <c>fastest</c> or <c>best_of_two</c>. Default: <c>llm.strategy</c>.</summary>
    public string? Strategy { get; init; }

    /// <summary>Its own list of what follows. Default: <c>fallback_settings.providers</c>.</summary>
    public IReadOnlyList<TargetOptions>? Fallbacks { get; init; }

    /// <summary>Reasons that go on to the next target. Default: all but the client's fault.</summary>
    public IReadOnlySet<FailureReason>? FallbackOn { get; init; }

    /// <summary>Model role at which the role chain starts. Default: none.</summary>
    public string? Role { get; init; }

    /// <summary>Whether only models marked <c>free</c> may serve it. Default: false.</summary>
    public bool? FreeOnly { get; init; }

    /// <summary>Seconds that answers stay in the cache; 0 switches it off. Default: off.</summary>
    public TimeSpan? CacheTtl { get; init; }

    /// <summary>Built-in tools, or <c>mcp:server</c>. Default: none.</summary>
    public IReadOnlyList<string>? Tools { get; init; }

    /// <summary>Whether the request's <c>model</c> may be another name at the provider. Default: false.</summary>
    public bool? AllowModelOverride { get; init; }

    /// <summary>Model that judges <c>best_of_two</c>. Default: by role.</summary>
    public string? Evaluator { get; init; }

    /// <summary>Milliseconds after which a second target is asked too. Default: never.</summary>
    public TimeSpan? HedgeAfter { get; init; }

    /// <summary>Environment's name (without case) → what is different there. Default: the default profile's.</summary>
    public IReadOnlyDictionary<string, AgentOptions>? Environments { get; init; }

    /// <summary>
    /// Fills what is left out from <paramref name="below"/>. Provider, model and key are inherited only together: one that names
    /// another provider must not send that provider a foreign model name, and above all not a foreign key.
    /// </summary>
    /// <param name="below">What to inherit from.</param>
    /// <param name="implied">The provider that stands for none.</param>
    public AgentOptions Over(AgentOptions below, string implied)
    {
        var keepsProvider = Provider is null || ProviderNames.AreSame(Provider, below.Provider ?? implied);
        return this with
        {
            Provider = Provider ?? below.Provider,
            ModelName = ModelName ?? (keepsProvider ? below.ModelName : null),
            ApiKeyEnv = ApiKeyEnv ?? (keepsProvider ? below.ApiKeyEnv : null),
            Temperature = Temperature ?? below.Temperature,
            MaxTokens = MaxTokens ?? below.MaxTokens,
            TopP = TopP ?? below.TopP,
            Stop = Stop ?? below.Stop,
            Seed = Seed ?? below.Seed,
            ReasoningEffort = ReasoningEffort ?? below.ReasoningEffort,
            WantsJson = WantsJson ?? below.WantsJson,
            Timeout = Timeout ?? below.Timeout,
            TicketEnv = TicketEnv ?? below.TicketEnv,
            SystemPrompt = SystemPrompt ?? below.SystemPrompt,
            Strategy = Strategy ?? below.Strategy,
            Fallbacks = Fallbacks ?? below.Fallbacks,
            FallbackOn = FallbackOn ?? below.FallbackOn,
            Role = Role ?? below.Role,
            FreeOnly = FreeOnly ?? below.FreeOnly,
            CacheTtl = CacheTtl ?? below.CacheTtl,
            Tools = Tools ?? below.Tools,
            AllowModelOverride = AllowModelOverride ?? below.AllowModelOverride,
            Evaluator = Evaluator ?? below.Evaluator,
            HedgeAfter = HedgeAfter ?? below.HedgeAfter,
            Environments = Environments ?? below.Environments,
        };
    }

    public AgentOptions? OverlayFor(string environment) => Environments?.GetValueOrDefault(environment);
}
