using LlmGateway.Model;
using LlmGateway.Providers;

namespace LlmGateway.Resilience;

/// <summary>Why an attempt did not answer.</summary>
/// <param name="Reason">The public reason.</param>
/// <param name="Status">The provider's HTTP status; 0 where none came.</param>
internal sealed record AttemptFailure(FailureReason Reason, int Status = 0)
{
    /// <summary>The provider's own words; null where it said nothing.</summary>
    public ProviderError? Error { get; init; }

    /// <summary>How long the provider wants to be left alone.</summary>
    public TimeSpan? RetryAfter { get; init; }

    /// <summary>How long its target is left alone after it; null: not at all.</summary>
    public TimeSpan? Cooldown => Reason switch
    {
        FailureReason.RateLimit => RetryAfter ?? TargetState.UsualCooldown,
        FailureReason.ServerError or FailureReason.Timeout => RetryAfter,
        _ => null,
    };

    /// <summary>Found before anything was sent, and the client's own fault.</summary>
    public GatewayError? ClientError { get; init; }

    /// <summary>Why the target was left out (with <see cref="FailureReason.Unsupported"/> and <see cref="FailureReason.CircuitOpen"/>); null for an attempt.</summary>
    public string? LeftOut { get; init; }

    /// <summary>With <see cref="FailureReason.Unsupported"/>: the member of the request that the target cannot carry, where it is one.</summary>
    public string? Param { get; init; }

    /// <summary>With <see cref="FailureReason.CircuitOpen"/>: the failure that brought the target there; <see cref="FailureReason.None"/> where it is merely busy.</summary>
    public FailureReason Cause { get; init; }

    /// <summary>With <see cref="FailureReason.CircuitOpen"/>: whether the target may take the call within a moment, so that it is worth asking again when no other answers.</summary>
    public bool MayServeSoon { get; init; }

    /// <summary>The same target's attempt before this one; null: this was the first.</summary>
    public AttemptFailure? Previous { get; init; }

    /// <summary>Whether a connection that had been kept open died under the request before one byte of an answer: the provider has not failed.</summary>
    public bool WasNeverTaken { get; init; }

    /// <summary>Whether this process had so little of the time that ran out for a connection to run in that its passing tells nothing of the provider.</summary>
    public bool IsOwnFault { get; init; }

    /// <summary>Whether the target was left out, so that nothing was sent and it is no attempt.</summary>
    public bool IsLeftOut => LeftOut is not null;
}
