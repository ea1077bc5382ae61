using LlmGateway.Database;
using LlmGateway.Telemetry;

namespace LlmGateway.Usage;

/// <summary>Registers accounting: recorder, request line, writer and ledger. Wants telemetry and the database to be registered.</summary>
public static class UsageServices
{
    public static IServiceCollection AddUsage(this IServiceCollection services)
    {
        services.AddSingleton(new UsageQueue());
        services.AddSingleton<IDatabaseSchema, UsageSchema>();
        services.AddSingleton<IUsageLedger, UsageLedger>();
        services.AddSingleton(provider => new UsageRecorder(
            provider.GetRequiredService<UsageQueue>(), provider.GetRequiredService<GatewayMetrics>(), provider.GetRequiredService<TimeProvider>()));
        services.AddSingleton(provider => new RequestLog(provider.GetRequiredService<LogOutput>()));
        services.AddHostedService(provider => new UsageWriter(
            provider.GetRequiredService<UsageQueue>(), provider.GetRequiredService<IUsageLedger>(), provider.GetRequiredService<GatewayMetrics>(),
            provider.GetRequiredService<TimeProvider>(), provider.GetRequiredService<ILogger<UsageWriter>>()));
        return services;
    }
}
