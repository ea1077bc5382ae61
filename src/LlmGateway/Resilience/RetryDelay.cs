using LlmGateway.Model;

namespace LlmGateway.Resilience;

/// <summary>When a target that has just failed is worth another try, and after which wait.</summary>
internal static class RetryDelay
{
    private static readonly TimeSpan First = TimeSpan.FromMilliseconds(250);

    /// <summary>Not after time-outs (what was slow once costs as much again), nor after refusals, which would be repeated.</summary>
    public static bool IsWorth(FailureReason reason) => reason is FailureReason.Connection or FailureReason.ServerError or FailureReason.RateLimit;

    /// <summary>Doubles with each retry, half of it at random so that many do not come back at once; never shorter than the provider asked for.</summary>
    /// <param name="retry">Which retry, from 0.</param>
    /// <param name="retryAfter">What the provider asked for.</param>
    /// <param name="random">0 to 1.</param>
    public static TimeSpan Of(int retry, TimeSpan? retryAfter, double random)
    {
        var backoff = First * Math.Pow(2, Math.Min(retry, 10)) * (0.5 + (random / 2));
        if (backoff > TargetState.LongestWait)
        {
            backoff = TargetState.LongestWait;
        }

        return retryAfter is { } asked && asked > TimeSpan.Zero ? (asked > backoff ? asked : backoff) + (First * (0.1 * random)) : backoff;
    }
}
