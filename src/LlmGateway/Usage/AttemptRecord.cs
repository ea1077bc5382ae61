using LlmGateway.Model;

namespace LlmGateway.Usage;

/// <summary>What one provider call did and cost, as the ledger keeps it.</summary>
public sealed record AttemptRecord
{
    /// <summary>Unique; follows from the request record's id and <see cref="Index"/>, so that writing a record twice cannot make two.</summary>
    public required Guid Id { get; init; }

    /// <summary>Which of the request's calls it was, from 0.</summary>
    public required int Index { get; init; }

    public required string Provider { get; init; }

    /// <summary>The model's real name, 128 characters at most.</summary>
    public required string Model { get; init; }

    public required AttemptRole Role { get; init; }

    /// <summary><see cref="FailureReason.None"/> for success.</summary>
    public required FailureReason Outcome { get; init; }

    /// <summary>The provider's HTTP status; 0 where none came.</summary>
    public int Status { get; init; }

    public TokenUsage Usage { get; init; }

    public UsageSource Source { get; init; }

    public long CostMicroUsd { get; init; }

    /// <summary>Whether tokens were used that no configured price covers.</summary>
    public bool IsUnpriced { get; init; }

    public TimeSpan Duration { get; init; }

    /// <summary>From the call to its first token; null where none came.</summary>
    public TimeSpan? TimeToFirstToken { get; init; }
}
