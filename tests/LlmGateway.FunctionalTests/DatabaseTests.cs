using LlmGateway.Database;
using LlmGateway.FunctionalTests.Infrastructure;
using LlmGateway.Model;
using LlmGateway.Telemetry;
using LlmGateway.Usage;
using Microsoft.Extensions.Logging.Abstractions;

namespace LlmGateway.FunctionalTests;

/// <summary>The database behind its thread, against a real PostgreSQL server.</summary>
[Collection(nameof(PostgresCollection))]
public sealed class DatabaseTests(PostgresServer server)
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Two_gateways_that_start_together_make_the_tables_once()
    {
        var url = await server.CreateDatabaseAsync();
        var databases = Enumerable.Range(0, 4).Select(_ => Open(url)).ToArray();

        await Task.WhenAll(databases.Select(database => AskAsync(database, "SELECT count(*) FROM request_records")));

        Assert.Equal(1L, Assert.Single(await server.QueryAsync(url, "SELECT count(*) AS n FROM schema_versions WHERE component = 'usage'"))["n"]);
        foreach (var database in databases)
        {
            await database.DisposeAsync();
        }
    }

    [Fact]
    public async Task A_newer_schema_is_refused()
    {
        var url = await server.CreateDatabaseAsync();
        await using (var first = Open(url))
        {
            await AskAsync(first, "SELECT 1");
        }

        await server.ExecuteOnAsync(url, "UPDATE schema_versions SET version = 99");
        await using var second = Open(url);

        await Assert.ThrowsAsync<DatabaseSchemaException>(() => AskAsync(second, "SELECT 1"));
    }

    [Fact]
    public async Task A_migration_that_is_cut_off_has_not_happened()
    {
        var url = await server.CreateDatabaseAsync();
        await using var proxy = new FaultProxy(server.Port);
        var through = url.Replace($":{server.Port}/", $":{proxy.Port}/", StringComparison.Ordinal);

        // The script itself takes the connection away, in the middle of its transaction.
        await using (var cut = Open(through, new Script("CREATE TABLE a (x INTEGER); SELECT pg_terminate_backend(pg_backend_pid())")))
        {
            await Assert.ThrowsAsync<DatabaseUnavailableException>(() => AskAsync(cut, "SELECT 1"));
        }

        Assert.Empty(await server.QueryAsync(url, "SELECT 1 FROM pg_tables WHERE tablename IN ('a', 'schema_versions')"));
        await using var again = Open(url, new Script("CREATE TABLE a (x INTEGER)"));
        await AskAsync(again, "SELECT count(*) FROM a");
    }

    [Fact]
    public async Task A_server_that_ends_and_comes_back_is_found_again()
    {
        var url = await server.CreateDatabaseAsync();
        await using var database = Open(url);
        await AskAsync(database, "SELECT 1");

        await server.StopImmediatelyAsync();
        await Assert.ThrowsAsync<DatabaseUnavailableException>(() => AskAsync(database, "SELECT 1"));
        Assert.False(database.IsUp);
        await server.StartAsync();

        await Eventually.AnswersAsync<bool>(
            async () =>
            {
                try
                {
                    await AskAsync(database, "SELECT 1");
                    return true;
                }
                catch (DatabaseUnavailableException)
                {
                    return null;
                }
            },
            "the database to be found again");
        Assert.True(database.IsUp);
    }

    [Fact]
    public async Task Records_read_back_as_they_were_and_writing_again_changes_nothing()
    {
        var url = await server.CreateDatabaseAsync();
        await using var database = Open(url);
        var ledger = new UsageLedger(database);
        RequestRecord[] batch = [Record(0), Record(1), Record(3) with { UserId = "Zoë'; DROP TABLE request_records; --", TimeToFirstToken = TimeSpan.FromMilliseconds(7) }];

        await ledger.WriteAsync(batch, Cancellation);
        await ledger.WriteAsync([.. batch, Record(1) with { Provider = "nul\0and\ud800half" }], Cancellation);

        var read = await ledger.LatestAsync(10, null, Cancellation);
        Assert.Equal("nul\ufffdand\ufffdhalf", Assert.Single(read, record => batch.All(known => known.Id != record.Id)).Provider);
        foreach (var record in batch)
        {
            var back = Assert.Single(read, found => found.Id == record.Id);
            Assert.Equal(record with { Attempts = Array.Empty<AttemptRecord>() }, back with { Attempts = Array.Empty<AttemptRecord>() });
            Assert.Equal(record.Attempts, back.Attempts);
        }
    }

    private static ThreadedDatabase Open(string url, params IDatabaseSchema[] schemas)
    {
        Assert.True(DatabaseUrl.TryParse(url, "/", out var parsed, out _));
        return new ThreadedDatabase(
            new PostgreSqlConnector(parsed!.Value), schemas.Length == 0 ? [new UsageSchema()] : schemas, new DatabaseHealth(new GatewayMetrics(), NullLogger<DatabaseHealth>.Instance), TimeProvider.System);
    }

    private static Task<object?> AskAsync(ThreadedDatabase database, string sql) => database.RunAsync(
        connection =>
        {
            using var command = connection.CreateCommand();
#pragma warning disable CA2100
            command.CommandText = sql;
#pragma warning restore CA2100
            return command.ExecuteScalar();
        },
        Cancellation);

    private static RequestRecord Record(int attempts)
    {
        var id = Guid.CreateVersion7();
        return new()
        {
            Id = id,
            Time = new(2026, 1, 2, 3, 4, 5, TimeSpan.Zero),
            RequestId = "r",
            Key = "crm",
            Agent = "default",
            Strategy = "single",
            Endpoint = "/v1/chat/completions",
            Status = 200,
            Provider = "p",
            Model = "m",
            Usage = new(10, 2, 1, 1),
            CostMicroUsd = 12,
            Duration = TimeSpan.FromMilliseconds(20),
            Attempts = [.. Enumerable.Range(0, attempts).Select(i => new AttemptRecord
            {
                Id = RequestAccount.AttemptId(id, i), Index = i, Provider = "p", Model = "m", Role = AttemptRole.Answer, Outcome = i == attempts - 1 ? FailureReason.None : FailureReason.Timeout,
                Status = 200, Usage = new(10, 2, 1, 1), Source = UsageSource.Provider, CostMicroUsd = 12, Duration = TimeSpan.FromMilliseconds(5),
            })],
        };
    }

    private sealed class Script(string sql) : IDatabaseSchema
    {
        public string Name => "part";

        public IReadOnlyList<string> Scripts(DatabaseKind kind) => [sql];
    }
}
