using LlmGateway.Model;

namespace LlmGateway.Routing;

/// <summary>A target that the plan leaves out, with the reason and what to do about it.</summary>
/// <param name="Target">The target.</param>
/// <param name="Reason">Why it is left out.</param>
/// <param name="Explanation">The same in words.</param>
/// <param name="Before">How many usable targets go before it.</param>
public sealed record SkippedTarget(ProviderTarget Target, FailureReason Reason, string Explanation, int Before = 0)
{
    /// <summary>When it may be worth asking again; null where only a change of configuration helps.</summary>
    public TimeSpan? RetryAfter { get; init; }

    /// <summary>The member of the request that it is left out for; null where it is not one member's affair.</summary>
    public string? Param { get; init; }
}
