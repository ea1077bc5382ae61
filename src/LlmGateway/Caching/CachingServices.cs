namespace LlmGateway.Caching;

/// <summary>Registers the response cache.</summary>
internal static class CachingServices
{
    public static IServiceCollection AddCaching(this IServiceCollection services) => services
        .AddSingleton<ResponseCache>(static provider => new(provider.GetRequiredService<Redis.RedisStore>(), provider.GetRequiredService<TimeProvider>()))
        .AddSingleton<CacheFlights>()
        .AddSingleton<CachingHandler>();
}
