using LlmGateway.Api;
using LlmGateway.Telemetry;

namespace LlmGateway.Redis;

/// <summary>Registers the shared Redis; without <c>REDIS_URL</c> it is there and says that it is not configured.</summary>
internal static class RedisServices
{
    public static IServiceCollection AddRedis(this IServiceCollection services, string? url)
    {
        services.AddSingleton(provider => new RedisStore(
            url is not null && RedisUrl.TryParse(url, out var options, out _) ? options : null,
            provider.GetRequiredService<GatewayMetrics>(),
            provider.GetRequiredService<TimeProvider>(),
            provider.GetRequiredService<ILogger<RedisStore>>()));
        services.AddHostedService(static provider => provider.GetRequiredService<RedisStore>());
        services.AddSingleton<IReadinessCheck>(static provider => provider.GetRequiredService<RedisStore>());
        return services;
    }
}
