namespace LlmGateway.Model;

/// <summary>How a mock provider behaves, so that users can rehearse failures.</summary>
public sealed record MockBehavior
{
    public static MockBehavior Healthy { get; } = new();

    /// <summary>Time before the first byte.</summary>
    public TimeSpan Latency { get; init; }

    /// <summary>Time between two chunks of a stream.</summary>
    public TimeSpan ChunkDelay { get; init; }

    /// <summary>Answers with this status instead of 200.</summary>
    public int? Status { get; init; }

    /// <summary>Sent as <c>retry-after</c> with <see cref="Status"/>.</summary>
    public int? RetryAfterSeconds { get; init; }

    /// <summary>The answer's text; null: <c>Mock response to: {last user message}</c>.</summary>
    public string? Reply { get; init; }

    public MockFailure Fail { get; init; }
}
