namespace LlmGateway.Routing;

/// <summary>Which targets, in which order, and what to make of their answers.</summary>
internal static class RoutingServices
{
    public static IServiceCollection AddRoutePlanning(this IServiceCollection services) => services
        .AddSingleton<RoutePlanner>()
        .AddSingleton<IRoutingStrategy, SingleStrategy>()
        .AddSingleton<StrategySet>()
        .AddSingleton<RoutingHandler>();
}
