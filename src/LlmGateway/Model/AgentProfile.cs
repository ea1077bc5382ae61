namespace LlmGateway.Model;

/// <summary>An agent profile as this environment uses it: overlay applied, inheritance settled, targets resolved.</summary>
public sealed record AgentProfile
{
    /// <summary>The agent's name; <see cref="DefaultName"/> for calls without one.</summary>
    public required string Name { get; init; }

    public const string DefaultName = "default";

    /// <summary>Whether it is the profile of calls that name no agent.</summary>
    public bool IsDefault { get; init; }

    /// <summary>The profile's own target.</summary>
    public required ProviderTarget Target { get; init; }

    /// <summary>Targets that follow when it fails, in order: the profile's own fallbacks, else the shared ones, then the environment's.</summary>
    public IReadOnlyList<ProviderTarget> Fallbacks { get; init; } = [];

    /// <summary>Put in front of the client's own system messages.</summary>
    public string? SystemPrompt { get; init; }

    /// <summary>Strategy's name; null: the settings' own.</summary>
    public string? Strategy { get; init; }

    /// <summary>Reasons that go on to the next target; null: every one that is not the client's fault.</summary>
    public IReadOnlySet<FailureReason>? FallbackOn { get; init; }

    /// <summary>Model role at which the role chain starts.</summary>
    public string? Role { get; init; }

    public bool FreeOnly { get; init; }

    /// <summary>Whether the request's <c>model</c> may be another name at the profile's provider.</summary>
    public bool AllowsModelOverride { get; init; }

    public TimeSpan? CacheTtl { get; init; }

    public IReadOnlyList<string> Tools { get; init; } = [];

    public string? Evaluator { get; init; }

    public TimeSpan? HedgeAfter { get; init; }
}
