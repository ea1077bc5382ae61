using LlmGateway.Api;
using LlmGateway.Database;
using LlmGateway.Resilience;
using LlmGateway.Telemetry;
using LlmGateway.Usage.Journal;

namespace LlmGateway.Usage;

/// <summary>Registers accounting: recorder, request line, journal, writer and ledger. Wants telemetry and the database to be registered.</summary>
internal static class UsageServices
{
    /// <param name="services">Where to register.</param>
    /// <param name="databaseUrl"><c>DATABASE_URL</c>: the journal is beside a SQLite file.</param>
    /// <param name="workingDirectory">Below it the journal is where the database is a server.</param>
    public static IServiceCollection AddUsage(this IServiceCollection services, string databaseUrl, string workingDirectory) => services
        .AddSingleton<IDatabaseSchema, UsageSchema>()
        .AddSingleton<IUsageLedger, UsageLedger>()
        .AddSingleton(new JournalOptions { Folder = JournalPath(databaseUrl, workingDirectory) })
        .AddSingleton(static provider => new JournalFolder(provider.GetRequiredService<JournalOptions>().Folder))
        .AddSingleton(new UsageQueue())
        .AddSingleton<LostRecords>()
        .AddSingleton<JournalWriter>()
        .AddSingleton<UsageJournal>()
        .AddSingleton<ICallJournal>(static provider => provider.GetRequiredService<UsageJournal>())
        .AddSingleton<IReadinessCheck>(static provider => provider.GetRequiredService<UsageJournal>())
        .AddSingleton(static provider => new UsageRecorder(
            provider.GetRequiredService<UsageJournal>(), provider.GetRequiredService<IDatabase>(), provider.GetRequiredService<GatewayMetrics>(), provider.GetRequiredService<TimeProvider>()))
        .AddSingleton(static provider => new RequestLog(provider.GetRequiredService<LogOutput>(), provider.GetRequiredService<LoggingSettings>().IsDebug))
        .AddHostedService<UsageWriter>();

    private static string JournalPath(string databaseUrl, string workingDirectory) =>
        DatabaseUrl.TryParse(databaseUrl, workingDirectory, out var url, out _) && url!.Kind == DatabaseKind.Sqlite
            ? Path.Combine(Path.GetDirectoryName(url.Value)!, "journal")
            : Path.Combine(workingDirectory, "data", "journal");
}
