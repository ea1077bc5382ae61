using LlmGateway.Database;
using LlmGateway.Telemetry;
using LlmGateway.Usage;
using Microsoft.Extensions.Logging.Abstractions;

namespace LlmGateway.Tests.Database;

/// <summary>Databases as the gateway makes them.</summary>
internal static class TestDatabase
{
    public static ThreadedDatabase Sqlite(string path, TimeProvider? time = null, DatabaseHealth? health = null, params IDatabaseSchema[] schemas) =>
        new(new SqliteConnector(path), schemas.Length == 0 ? [new UsageSchema()] : schemas, health ?? Health(), time ?? TimeProvider.System);

    public static DatabaseHealth Health(GatewayMetrics? metrics = null) => new(metrics ?? new(), NullLogger<DatabaseHealth>.Instance);

    /// <summary>Runs a statement on the database's own connection.</summary>
    public static Task<int> ExecuteAsync(this IDatabase database, string sql) => database.RunAsync(
        connection =>
        {
            using var command = connection.CreateCommand();
#pragma warning disable CA2100
            command.CommandText = sql;
#pragma warning restore CA2100
            return command.ExecuteNonQuery();
        },
        CancellationToken.None);
}
