namespace LlmGateway.Routing;

/// <summary>Which targets, in which order, and what to make of their answers.</summary>
internal static class RoutingServices
{
    public static IServiceCollection AddRoutePlanning(this IServiceCollection services) => services
        .AddSingleton<RoutePlanner>()
        .AddSingleton<ContestPlanner>()
        .AddSingleton<TargetPaces>()
        .AddSingleton(Random.Shared)
        .AddSingleton<SingleStrategy>()
        .AddSingleton<IRoutingStrategy>(services => services.GetRequiredService<SingleStrategy>())
        .AddSingleton<IRoutingStrategy, FastestStrategy>()
        .AddSingleton<IRoutingStrategy, BestOfTwoStrategy>()
        .AddSingleton<StrategySet>()
        .AddSingleton<RoutingHandler>();
}
