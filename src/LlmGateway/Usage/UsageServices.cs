using LlmGateway.Telemetry;

namespace LlmGateway.Usage;

/// <summary>Registers accounting: recorder, request line, writer and ledger. Wants telemetry to be registered.</summary>
public static class UsageServices
{
    /// <param name="services">Where to register.</param>
    /// <param name="databaseUrl"><c>DATABASE_URL</c>; check it first with <see cref="DatabaseUrl.TryParse"/> to report it with other start-up problems.</param>
    /// <param name="workingDirectory">What a relative path counts from.</param>
    /// <exception cref="ArgumentException">The URL is not one that this version supports.</exception>
    public static IServiceCollection AddUsage(this IServiceCollection services, string databaseUrl, string workingDirectory)
    {
        if (!DatabaseUrl.TryParse(databaseUrl, workingDirectory, out var database, out var problem))
        {
            throw new ArgumentException(problem, nameof(databaseUrl));
        }

        services.AddSingleton(new UsageQueue());
        services.AddSingleton<IUsageLedger>(_ => new SqliteUsageLedger(database!.Path));
        services.AddSingleton(provider => new UsageRecorder(
            provider.GetRequiredService<UsageQueue>(), provider.GetRequiredService<GatewayMetrics>(), provider.GetRequiredService<TimeProvider>()));
        services.AddSingleton(provider => new RequestLog(provider.GetRequiredService<LogOutput>()));
        services.AddHostedService(provider => new UsageWriter(
            provider.GetRequiredService<UsageQueue>(), provider.GetRequiredService<IUsageLedger>(), provider.GetRequiredService<GatewayMetrics>(),
            provider.GetRequiredService<TimeProvider>(), provider.GetRequiredService<ILogger<UsageWriter>>()));
        return services;
    }
}
