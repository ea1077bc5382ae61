using LlmGateway.Model;

namespace LlmGateway.Usage;

/// <summary>A request that has ended, however it ended, as the client side hands it over for accounting.</summary>
public readonly record struct SettledRequest
{
    public required RequestTally Tally { get; init; }

    public required ClientKey Key { get; init; }

    public string? Department { get; init; }

    public string? UserId { get; init; }

    /// <summary>The profile's name: a metric label, so a configured one.</summary>
    public required string Agent { get; init; }

    public required string Strategy { get; init; }

    /// <summary>Route template.</summary>
    public required string Endpoint { get; init; }

    /// <summary>What the client got; 499 when it went away.</summary>
    public required int Status { get; init; }

    public bool IsStreaming { get; init; }

    /// <summary>When it arrived.</summary>
    public required DateTimeOffset Time { get; init; }

    public required TimeSpan Duration { get; init; }
}
