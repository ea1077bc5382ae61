using LlmGateway.Model;

namespace LlmGateway.Usage.Journal;

/// <summary>A provider call as it was noted before it was made: enough for a record, should nothing more be heard of it.</summary>
internal sealed record DispatchedCall
{
    public required Guid RecordId { get; init; }

    /// <summary>Which of the request's calls it is, from 0.</summary>
    public required int Index { get; init; }

    /// <summary>When the call was made.</summary>
    public required DateTimeOffset Time { get; init; }

    public required string RequestId { get; init; }

    public required string Key { get; init; }

    public string? Department { get; init; }

    public string? UserId { get; init; }

    public required string Agent { get; init; }

    public required string Strategy { get; init; }

    /// <summary>Route template.</summary>
    public required string Endpoint { get; init; }

    public bool IsStreaming { get; init; }

    public required string Provider { get; init; }

    public required string Model { get; init; }

    public AttemptRole Role { get; init; }

    /// <summary>Estimate for the prompt.</summary>
    public long InputTokens { get; init; }

    /// <summary>What the prompt costs by the price at the time.</summary>
    public long CostMicroUsd { get; init; }

    public bool IsUnpriced { get; init; }
}
