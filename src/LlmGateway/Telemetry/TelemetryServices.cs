using Microsoft.Extensions.DependencyInjection.Extensions;

namespace LlmGateway.Telemetry;

/// <summary>Registers metrics and logs.</summary>
public static class TelemetryServices
{
    public static IServiceCollection AddTelemetry(this IServiceCollection services, LoggingSettings logging)
    {
        ArgumentNullException.ThrowIfNull(logging);
        services.TryAddSingleton(TimeProvider.System);
        services.AddSingleton<GatewayMetrics>();
        services.AddSingleton<FrameworkMetrics>();
        return services.AddGatewayLogging(logging);
    }
}
