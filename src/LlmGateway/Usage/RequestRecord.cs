using LlmGateway.Model;

namespace LlmGateway.Usage;

/// <summary>What one authenticated inference request did and cost, as the ledger keeps it: totals are the sums of its attempts.</summary>
public sealed record RequestRecord
{
    /// <summary>The gateway's own id (a version 7 UUID: ids sort by time).</summary>
    public required Guid Id { get; init; }

    public required DateTimeOffset Time { get; init; }

    /// <summary><c>X-Request-Id</c>; it need not be unique.</summary>
    public required string RequestId { get; init; }

    /// <summary>Name of the client key, never the key.</summary>
    public required string Key { get; init; }

    public string? Department { get; init; }

    public string? UserId { get; init; }

    public required string Agent { get; init; }

    public required string Strategy { get; init; }

    /// <summary>Route template.</summary>
    public required string Endpoint { get; init; }

    public required int Status { get; init; }

    public bool IsStreaming { get; init; }

    /// <summary>Who answered, else who was asked last; null where nobody was.</summary>
    public string? Provider { get; init; }

    public string? Model { get; init; }

    public FailureReason FallbackReason { get; init; }

    public TokenUsage Usage { get; init; }

    public long CostMicroUsd { get; init; }

    public bool IsUnpriced { get; init; }

    public TimeSpan Duration { get; init; }

    /// <summary>From the request's arrival; null where no token came or the answer was not streamed.</summary>
    public TimeSpan? TimeToFirstToken { get; init; }

    public bool IsCached { get; init; }

    public long SavedMicroUsd { get; init; }

    /// <summary>The trace that the request belongs to, for its log line; the ledger does not keep it. Null where there is none.</summary>
    public string? TraceId { get; init; }

    public IReadOnlyList<AttemptRecord> Attempts { get; init; } = [];
}
