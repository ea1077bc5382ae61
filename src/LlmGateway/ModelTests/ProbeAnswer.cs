using System.Text.Json;
using LlmGateway.Model;

namespace LlmGateway.ModelTests;

/// <summary>What came back for one question.</summary>
internal sealed record ProbeAnswer
{
    /// <summary>Why there is no answer; <see cref="FailureReason.None"/> where there is one.</summary>
    public FailureReason Reason { get; init; }

    /// <summary>The failure in words that hold no secret; null for an answer.</summary>
    public string? Problem { get; init; }

    /// <summary>The whole answer's first message; undefined for streams and failures.</summary>
    public JsonElement Message { get; init; }

    /// <summary>Text of the answer, pieces of a stream put together.</summary>
    public string Text { get; init; } = "";

    public string? FinishReason { get; init; }

    /// <summary>Whether a stream came to its proper end.</summary>
    public bool IsComplete { get; init; }

    /// <summary>Whether the provider itself told the tokens.</summary>
    public bool IsUsageReported { get; init; }

    public TimeSpan Duration { get; init; }

    public TimeSpan? TimeToFirstToken { get; init; }

    public double? TokensPerSecond { get; init; }

    /// <summary>How long a cancelled stream went on; null where it was over before, or did not end.</summary>
    public TimeSpan? EndedAfterCancel { get; init; }

    /// <summary>Whether a stream was over before it could be cancelled.</summary>
    public bool WasOverBeforeCancel { get; init; }

    public bool IsAnswer => Reason == FailureReason.None;

    /// <summary>Whether a failure shows that the model cannot do what was asked, and not merely that something went wrong.</summary>
    public bool ShowsInability => Reason is FailureReason.InvalidRequest or FailureReason.Unsupported or FailureReason.InvalidResponse or FailureReason.ModelUnavailable;
}
