using System.Collections.Frozen;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace LlmGateway.Telemetry;

/// <summary>Registers metrics, traces and logs.</summary>
public static class TelemetryServices
{
    /// <param name="services">Where to register.</param>
    /// <param name="logging">What the operator chose for logs.</param>
    /// <param name="openTelemetry">OpenTelemetry's own variables, as far as they are set.</param>
    public static IServiceCollection AddTelemetry(this IServiceCollection services, LoggingSettings logging, IReadOnlyDictionary<string, string>? openTelemetry = null)
    {
        ArgumentNullException.ThrowIfNull(logging);
        services.TryAddSingleton(TimeProvider.System);
        services.AddSingleton<GatewayMetrics>();
        services.AddSingleton<FrameworkMetrics>();
        services.AddSingleton(provider => new GatewayTracing(TracingSettings.From(openTelemetry ?? FrozenDictionary<string, string>.Empty), provider.GetRequiredService<GatewayMetrics>()));
        return services.AddGatewayLogging(logging);
    }
}
