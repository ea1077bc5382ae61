namespace LlmGateway.Routing;

/// <summary>The strategies' names.</summary>
public static class RoutingStrategies
{
    /// <summary>The first usable target; the next one when it fails.</summary>
    public const string Single = "single";
}
