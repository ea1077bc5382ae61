using LlmGateway.Api;

namespace LlmGateway.Database;

/// <summary>Registers the installation's database. Each part that keeps something in it registers its <see cref="IDatabaseSchema"/>.</summary>
internal static class DatabaseServices
{
    /// <param name="services">Where to register.</param>
    /// <param name="databaseUrl"><c>DATABASE_URL</c>; check it first with <see cref="DatabaseUrl.TryParse"/> to report it with other start-up problems.</param>
    /// <param name="workingDirectory">What a relative path counts from.</param>
    /// <exception cref="ArgumentException">The URL is not one.</exception>
    public static IServiceCollection AddDatabase(this IServiceCollection services, string databaseUrl, string workingDirectory)
    {
        if (!DatabaseUrl.TryParse(databaseUrl, workingDirectory, out var url, out var problem))
        {
            throw new ArgumentException(problem, nameof(databaseUrl));
        }

        return services
            .AddSingleton<DatabaseHealth>()
            .AddSingleton<IReadinessCheck>(static provider => provider.GetRequiredService<DatabaseHealth>())
            .AddSingleton<IDatabaseConnector>(_ => url!.Kind == DatabaseKind.Sqlite ? new SqliteConnector(url.Value) : new PostgreSqlConnector(url.Value))
            .AddSingleton<IDatabase, ThreadedDatabase>()
            .AddHostedService<DatabaseProbe>();
    }
}
