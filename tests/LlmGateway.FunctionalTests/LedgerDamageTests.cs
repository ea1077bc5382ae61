using System.Globalization;
using LlmGateway.Database;
using LlmGateway.FunctionalTests.Infrastructure;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.DependencyInjection;

namespace LlmGateway.FunctionalTests;

/// <summary>A SQLite file that is damaged, loses its log or takes no writes: requests go on, the journal keeps their records, readiness says what to do.</summary>
public sealed class LedgerDamageTests
{
    private const int PageSize = 4096;
    private const int Requests = 10;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_damaged_file_costs_no_request_and_a_new_one_takes_what_the_journal_holds(bool isRunning)
    {
        await using var stage = await StartAsync();
        await AskAsync(stage, "before");
        await stage.Ledger.WaitForRequestsAsync(Requests);
        if (!isRunning)
        {
            await stage.Gateway.StopAsync();
        }

        await DamageAsync(stage);
        if (!isRunning)
        {
            await stage.Gateway.StartAsync();
        }

        await AskAsync(stage, "damaged");
        var health = await stage.WaitForHealthAsync("degraded");

        Assert.Contains("gateway.db is damaged: move it away", health, StringComparison.Ordinal);
        await AskAsync(stage, "still damaged");
        Assert.Contains("degraded", await stage.Gateway.Client.GetStringAsync(new Uri("/health/ready", UriKind.Relative), Cancellation), StringComparison.Ordinal);

        // As the message says; nothing is restarted.
        foreach (var file in Directory.GetFiles(Data(stage), "gateway.db*"))
        {
            File.Move(file, Path.Combine(stage.Gateway.Folder.Path, Path.GetFileName(file)));
        }

        var rows = await stage.Ledger.WaitForRequestsAsync(2 * Requests);
        Assert.Equal(2 * Requests, rows.Select(row => row["request_id"]).Distinct().Count());
        Assert.All(rows, row => Assert.DoesNotContain("before", (string)row["request_id"]!, StringComparison.Ordinal));
        await stage.WaitForHealthAsync("ready");
        Assert.Equal(0, (await stage.Gateway.MetricsAsync()).Sum("llm_gateway_usage_records_total", ("result", "lost")));
        await stage.Gateway.Log.WaitForAsync(line => line.Message.Contains("gateway.db is damaged", StringComparison.Ordinal), "the alarm");
        Assert.InRange(stage.Gateway.Log.Lines.Count(line => line.Message.Contains("is damaged", StringComparison.Ordinal)), 1, 2);
    }

    [Fact]
    public async Task A_log_that_was_deleted_costs_no_record()
    {
        await using var stage = await StartAsync();
        await AskAsync(stage, "before");
        await stage.Ledger.WaitForRequestsAsync(Requests);
        string[] log = [Path.Combine(Data(stage), "gateway.db-wal"), Path.Combine(Data(stage), "gateway.db-shm")];
        Assert.All(log, file => Assert.True(File.Exists(file)));

        Array.ForEach(log, File.Delete);
        await AskAsync(stage, "after");

        await Eventually.TrueAsync(() => log.All(File.Exists), "a new log");

        // Seen from outside: not in a file that has no name any more.
        var rows = await stage.Ledger.WaitForRequestsAsync(2 * Requests);
        Assert.Equal(2 * Requests, rows.Select(row => row["request_id"]).Distinct().Count());
    }

    [Fact]
    public async Task A_file_that_takes_no_writes_costs_no_record()
    {
        await using var stage = await StartAsync();
        await AskAsync(stage, "before");
        await stage.Ledger.WaitForRequestsAsync(Requests);
        await stage.Gateway.Services.GetRequiredService<IDatabase>().RunAsync(
            connection =>
            {
                using var command = connection.CreateCommand();
                command.CommandText = "PRAGMA query_only = 1";
                return command.ExecuteNonQuery();
            },
            Cancellation);

        await AskAsync(stage, "read-only");

        Assert.Equal(2 * Requests, (await stage.Ledger.WaitForRequestsAsync(2 * Requests)).Select(row => row["request_id"]).Distinct().Count());
        await stage.Gateway.Log.WaitForAsync(line => line.ToString().Contains("attempt to write a readonly database", StringComparison.Ordinal), "the alarm");
        Assert.Equal(0, (await stage.Gateway.MetricsAsync()).Sum("llm_gateway_usage_records_total", ("result", "lost")));
    }

    private static async Task<ProductionStage> StartAsync()
    {
        var stage = await ProductionStage.StartAloneAsync();
        stage.First.AlwaysAnswers(_ => ProductionStage.Answer(isStreaming: false));
        return stage;
    }

    private static async Task AskAsync(ProductionStage stage, string id)
    {
        for (var i = 0; i < Requests; i++)
        {
            (await stage.AskAsync(isStreaming: false, ("X-Request-Id", string.Create(CultureInfo.InvariantCulture, $"{id.Replace(' ', '-')}-{i}")))).AssertAnswered("Well met");
        }
    }

    /// <summary>All pages but the first become garbage. A change by another process makes the gateway read them again.</summary>
    private static async Task DamageAsync(ProductionStage stage)
    {
        var path = Path.Combine(Data(stage), "gateway.db");
        await using (var other = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = path, Pooling = false }.ToString()))
        {
            await other.OpenAsync(Cancellation);
            await using var command = other.CreateCommand();
            command.CommandText = "CREATE TABLE other (x INTEGER); PRAGMA wal_checkpoint(TRUNCATE);";
            await command.ExecuteNonQueryAsync(Cancellation);
        }

        await using var file = new FileStream(path, FileMode.Open, FileAccess.Write, FileShare.ReadWrite);
        Assert.True(file.Length > 4 * PageSize);
        file.Position = PageSize;
        var garbage = new byte[file.Length - PageSize];
        new Random(20261001).NextBytes(garbage);
        await file.WriteAsync(garbage, Cancellation);
    }

    private static string Data(ProductionStage stage) => Path.Combine(stage.Gateway.Folder.Path, "data");
}
