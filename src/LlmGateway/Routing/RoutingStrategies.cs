namespace LlmGateway.Routing;

/// <summary>The strategies' names.</summary>
public static class RoutingStrategies
{
    /// <summary>The first usable target; the next one when it fails.</summary>
    public const string Single = "single";

    /// <summary>The target with the shortest time to the first token (streams) or to the answer; then as <see cref="Single"/>.</summary>
    public const string Fastest = "fastest";

    /// <summary>Two answers, and an evaluator that chooses the better one.</summary>
    public const string BestOfTwo = "best_of_two";
}
