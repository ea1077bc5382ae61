using System.Diagnostics;
using System.Globalization;
using LlmGateway.FunctionalTests.Infrastructure;

namespace LlmGateway.FunctionalTests;

/// <summary>The ledger in PostgreSQL while the server ends, is slow, is silent, or is not there yet: requests go on and no record is lost or doubled.</summary>
[Collection(nameof(PostgresCollection))]
public sealed class PostgresLedgerTests(PostgresServer server, ITestOutputHelper output)
{
    /// <summary>After the signal, where nothing is left to drain.</summary>
    private static readonly TimeSpan LatestEnd = TimeSpan.FromSeconds(2);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_server_that_ends_for_five_seconds_costs_no_request_and_no_record()
    {
        var url = await server.CreateDatabaseAsync();
        await using var stage = await StartAsync(url);
        var load = SteadyLoad.Start(stage);
        await load.WaitForAsync(50);

        await server.StopImmediatelyAsync();
        var down = Stopwatch.GetTimestamp();
        await stage.WaitForHealthAsync("degraded");
        Assert.Equal(0, (await stage.Gateway.MetricsAsync()).Value("llm_gateway_store_up", ("store", "database")));
        await load.WaitForAsync(50);
        await Eventually.TrueAsync(() => Stopwatch.GetElapsedTime(down) >= TimeSpan.FromSeconds(5), "five seconds to pass");
        await server.StartAsync();
        var (back, before) = (Stopwatch.GetTimestamp(), load.Answered.Count);
        await WaitForRowsAsync(url, rows => rows.Count >= before);
        var flushed = Stopwatch.GetElapsedTime(back);
        await load.StopAsync();

        var rows = await WaitForRowsAsync(url, rows => rows.Count >= load.Answered.Count);
        Assert.All(load.Answered, answer => Assert.Equal(200, answer.Value));
        AssertSame(load.Answered.Keys, rows);
        Assert.InRange(flushed, TimeSpan.Zero, TimeSpan.FromSeconds(5));
        var page = await stage.Gateway.MetricsAsync();
        var spooled = page.Sum("llm_gateway_usage_records_total", ("result", "spooled"));
        Assert.Equal(0, page.Sum("llm_gateway_usage_records_total", ("result", "lost")));
        Assert.True(spooled >= 50);
        await stage.WaitForHealthAsync("ready");
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"Q14: PostgreSQL down {Stopwatch.GetElapsedTime(down, back).TotalSeconds:F1} s under {load.Answered.Count} requests: 0 failed, {spooled} spooled, 0 lost, 0 doubled; caught up in {flushed.TotalSeconds:F2} s"));
    }

    [Fact]
    public async Task A_gateway_that_is_stopped_while_the_server_is_down_ends_in_time_and_its_successor_has_every_record()
    {
        var url = await server.CreateDatabaseAsync();
        using var folder = new GatewayFolder();
        await using var provider = ScriptedProvider.OpenAi().AlwaysAnswers(_ => Script.Json(OpenAiReplies.Completion("Well met")));
        string[] during = [.. Enumerable.Range(0, 20).Select(i => string.Create(CultureInfo.InvariantCulture, $"down-{i}"))];
        TimeSpan ended;
        await using (var stopped = await StartProcessAsync(folder, provider, url))
        {
            await AskAsync(stopped, "before");
            await WaitForRowsAsync(url, rows => rows.Count == 1);
            await server.StopImmediatelyAsync();
            try
            {
                await Task.WhenAll(during.Select(id => AskAsync(stopped, id)));
                var start = Stopwatch.GetTimestamp();
                Assert.Equal(0, await stopped.TerminateAsync());
                ended = Stopwatch.GetElapsedTime(start);
            }
            finally
            {
                await server.StartAsync();
            }
        }

        Assert.Single(await WaitForRowsAsync(url, rows => rows.Count > 0));
        await using var successor = await StartProcessAsync(folder, provider, url);

        AssertSame(["before", .. during], await WaitForRowsAsync(url, rows => rows.Count > during.Length));
        Assert.Equal(0, await successor.TerminateAsync());
        Assert.Equal(["folder.lock"], Directory.GetFiles(Path.Combine(folder.Path, "data", "journal")).Select(Path.GetFileName));
        Assert.InRange(ended, TimeSpan.Zero, LatestEnd);
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"L04: stopped {ended.TotalSeconds:F2} s after SIGTERM with PostgreSQL down; all {during.Length + 1} records written by its successor, none twice"));
    }

    [Fact]
    public async Task A_server_that_is_slow_then_silent_then_gone_costs_no_record()
    {
        var url = await server.CreateDatabaseAsync();
        await using var proxy = new FaultProxy(server.Port);
        await using var stage = await StartAsync(Through(proxy, url));
        var load = SteadyLoad.Start(stage, clients: 2);
        await load.WaitForAsync(10);

        proxy.Delay = TimeSpan.FromMilliseconds(250);
        await load.WaitForAsync(20);
        await Eventually.TrueAsync(() => proxy.Faults > 4, "the server to be slow");
        proxy.Delay = TimeSpan.Zero;
        proxy.Set(FaultMode.Blackhole);
        var silent = proxy.Faults;
        await load.WaitForAsync(20);
        await Eventually.TrueAsync(() => proxy.Faults > silent, "the server to be silent");
        proxy.Set(FaultMode.Reset);
        await load.WaitForAsync(20);
        await stage.WaitForHealthAsync("degraded");
        proxy.Set(FaultMode.Pass);
        await load.StopAsync();

        var rows = await WaitForRowsAsync(url, rows => rows.Count >= load.Answered.Count);
        Assert.All(load.Answered, answer => Assert.Equal(200, answer.Value));
        AssertSame(load.Answered.Keys, rows);
    }

    [Fact]
    public async Task A_gateway_starts_without_its_database_and_joins_it_later()
    {
        var url = await server.CreateDatabaseAsync();
        await using var proxy = new FaultProxy(server.Port);
        proxy.Set(FaultMode.Refuse);
        await using var stage = await StartAsync(Through(proxy, url));
        stage.First.Answers(ProductionStage.Answer(isStreaming: true));

        (await stage.AskAsync(isStreaming: true, ("X-Request-Id", "early"))).AssertAnswered("Well met");
        await stage.WaitForHealthAsync("degraded");
        Assert.True(proxy.Faults > 0);
        proxy.Set(FaultMode.Pass);

        AssertSame(["early"], await WaitForRowsAsync(url, rows => rows.Count > 0));
        await stage.WaitForHealthAsync("ready");
    }

    /// <summary>The server picks the batch as the victim of a deadlock, then of a conflict of transactions, and rolls it back.</summary>
    [Theory]
    [InlineData("40P01", "deadlock detected")]
    [InlineData("40001", "could not serialize access")]
    public async Task A_batch_that_the_server_rolls_back_is_written_once(string state, string message)
    {
        const int Times = 3;
        const int Count = 60;
        var url = await server.CreateDatabaseAsync();
        await using var stage = await StartAsync(url);
        stage.First.AlwaysAnswers(_ => ProductionStage.Answer(isStreaming: false));
        (await stage.AskAsync(isStreaming: false, ("X-Request-Id", "before"))).AssertAnswered("Well met");
        await WaitForRowsAsync(url, rows => rows.Count == 1);

        // At the end of the statement, with all rows in; a sequence is not rolled back.
        await server.ExecuteOnAsync(url, $"""
            CREATE SEQUENCE victims;
            CREATE FUNCTION choose_victim() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
                IF nextval('victims') <= {Times} THEN RAISE EXCEPTION '{message}' USING ERRCODE = '{state}'; END IF;
                RETURN NULL;
            END $$;
            CREATE TRIGGER victim AFTER INSERT ON request_records FOR EACH STATEMENT EXECUTE FUNCTION choose_victim();
            """);
        string[] ids = [.. Enumerable.Range(0, Count).Select(i => string.Create(CultureInfo.InvariantCulture, $"victim-{i}"))];
        await Task.WhenAll(ids.Select(async id => (await stage.AskAsync(isStreaming: false, ("X-Request-Id", id))).AssertAnswered("Well met")));

        AssertSame(["before", .. ids], await WaitForRowsAsync(url, rows => rows.Count > Count));
        Assert.True((long)(await server.QueryAsync(url, "SELECT last_value AS n FROM victims"))[0]["n"]! > Times);
        await stage.Gateway.Log.WaitForAsync(line => line.ToString().Contains($"{message} ({state})", StringComparison.Ordinal), "the alarm");
        Assert.Equal(0, (await stage.Gateway.MetricsAsync()).Sum("llm_gateway_usage_records_total", ("result", "lost")));
        await stage.WaitForHealthAsync("ready");
    }

    [Fact]
    public async Task Two_sessions_that_lock_each_other_out_cost_no_record()
    {
        var url = await server.CreateDatabaseAsync();
        await using var stage = await StartAsync(url);
        stage.First.AlwaysAnswers(_ => ProductionStage.Answer(isStreaming: false));
        (await stage.AskAsync(isStreaming: false, ("X-Request-Id", "before"))).AssertAnswered("Well met");
        await WaitForRowsAsync(url, rows => rows.Count == 1);

        // Whoever writes a record wants the other table next; a second session holds that one, and wants the records.
        await server.ExecuteOnAsync(url, """
            CREATE TABLE other (x INTEGER);
            CREATE FUNCTION want_other() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN LOCK TABLE other IN EXCLUSIVE MODE; RETURN NULL; END $$;
            CREATE TRIGGER wants_other AFTER INSERT ON request_records FOR EACH STATEMENT EXECUTE FUNCTION want_other();
            """);
        var second = server.ExecuteOnAsync(url, """
            BEGIN;
            SET deadlock_timeout = '20s';
            LOCK TABLE other IN EXCLUSIVE MODE;
            DO $$ BEGIN WHILE NOT EXISTS (SELECT 1 FROM pg_locks WHERE relation = 'other'::regclass AND NOT granted) LOOP PERFORM pg_sleep(0.02); END LOOP; END $$;
            LOCK TABLE request_records IN EXCLUSIVE MODE;
            COMMIT;
            """);
        await Eventually.AnswersAsync<bool>(
            async () => (long)(await server.QueryAsync(url, "SELECT count(*) AS n FROM pg_locks WHERE relation = 'other'::regclass"))[0]["n"]! > 0 ? true : null, "the other session to hold its lock");
        (await stage.AskAsync(isStreaming: false, ("X-Request-Id", "locked"))).AssertAnswered("Well met");

        await second;
        AssertSame(["before", "locked"], await WaitForRowsAsync(url, rows => rows.Count > 1));
        await stage.Gateway.Log.WaitForAsync(line => line.ToString().Contains("deadlock detected (40P01)", StringComparison.Ordinal), "the gateway to be the victim");
    }

    [Fact]
    public async Task A_server_without_room_for_another_connection_costs_no_request_and_no_record()
    {
        var url = await server.CreateDatabaseAsync();
        await using var stage = await StartAsync(url);
        stage.First.AlwaysAnswers(_ => ProductionStage.Answer(isStreaming: false));
        (await stage.AskAsync(isStreaming: false, ("X-Request-Id", "before"))).AssertAnswered("Well met");
        await WaitForRowsAsync(url, rows => rows.Count == 1);
        await using (await server.TakeAllConnectionsAsync())
        {
            (await stage.AskAsync(isStreaming: false, ("X-Request-Id", "full"))).AssertAnswered("Well met");
            await stage.Gateway.WaitForMetricsAsync(page => page.Value("llm_gateway_store_up", ("store", "database")) == 0, "the database to be missed");
            await Eventually.AnswersAsync<bool>(
                async () => (await stage.WaitForHealthAsync("degraded")).Contains("(53300)", StringComparison.Ordinal) ? true : null, "the reason to be told");
        }

        AssertSame(["before", "full"], await WaitForRowsAsync(url, rows => rows.Count > 1));
        await stage.WaitForHealthAsync("ready");
    }

    [Fact]
    public async Task Two_gateways_with_one_database_and_one_id_write_a_hundred_records()
    {
        var url = await server.CreateDatabaseAsync();
        await using var one = await StartAsync(url);
        await using var two = await StartAsync(url);
        foreach (var stage in new[] { one, two })
        {
            stage.First.AlwaysAnswers(_ => ProductionStage.Answer(isStreaming: false));
        }

        await Task.WhenAll(Enumerable.Range(0, 100).Select(i => (i % 2 == 0 ? one : two).AskAsync(isStreaming: false, ("X-Request-Id", "the-same"))));

        var rows = await WaitForRowsAsync(url, rows => rows.Count >= 100);
        Assert.Equal(100, rows.Count);
        Assert.All(rows, row => Assert.Equal(("the-same", 9L, 1L), (row["request_id"], row["input_tokens"], row["attempts"])));
        Assert.Equal(100, rows.Select(row => row["id"]).Distinct().Count());
    }

    [Fact]
    public async Task A_password_in_the_url_is_in_no_log_and_no_answer()
    {
        var url = await server.CreateDatabaseAsync();
        await using var stage = await StartAsync(url.Replace("canary-pg", "canary-wrong", StringComparison.Ordinal));
        stage.First.Answers(ProductionStage.Answer(isStreaming: false));
        (await stage.AskAsync(isStreaming: false)).AssertAnswered("Well met");

        var health = await stage.WaitForHealthAsync("degraded");

        Assert.Contains("password authentication failed", health, StringComparison.Ordinal);
        foreach (var text in new[] { health, stage.Gateway.Log.Text, (await stage.Gateway.MetricsAsync()).Text })
        {
            Assert.DoesNotContain("canary-wrong", text, StringComparison.Ordinal);
        }
    }

    private static Task<ProductionStage> StartAsync(string url) => ProductionStage.StartAloneAsync(configure: stage => stage.Gateway.WithVariable("DATABASE_URL", url));

    private string Through(FaultProxy proxy, string url) => url.Replace($":{server.Port}/", $":{proxy.Port}/", StringComparison.Ordinal);

    private static async Task<GatewayProcess> StartProcessAsync(GatewayFolder folder, ScriptedProvider provider, string url)
    {
        var gateway = GatewayProcess.Start(
            folder,
            ["--urls", "http://127.0.0.1:0"],
            ("ENVIRONMENT", "production"), ("INTERNAL_LLM_BASE_URL", provider.BaseUrl + "/v1"), ("INTERNAL_LLM_MODEL", "m"), ("GATEWAY_API_KEYS", "test:sk-client-4711"), ("DATABASE_URL", url));
        await gateway.WaitForStartAsync();
        return gateway;
    }

    private static async Task AskAsync(GatewayProcess gateway, string id)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, ProductionStage.Path)
        {
            Content = new StringContent(ProductionStage.Body(isStreaming: false), System.Text.Encoding.UTF8, "application/json"),
            Headers = { { "Authorization", "Bearer sk-client-4711" }, { "X-Request-Id", id } },
        };
        using var response = await gateway.Client.SendAsync(request, Cancellation);
        Assert.Equal(System.Net.HttpStatusCode.OK, response.StatusCode);
    }

    private async Task<IReadOnlyList<IReadOnlyDictionary<string, object?>>> WaitForRowsAsync(string url, Func<IReadOnlyList<IReadOnlyDictionary<string, object?>>, bool> condition)
    {
        IReadOnlyList<IReadOnlyDictionary<string, object?>> rows = [];
        await Eventually.AnswersAsync<bool>(
            async () =>
            {
                try
                {
                    rows = await server.QueryAsync(url, "SELECT r.*, (SELECT count(*) FROM attempt_records a WHERE a.record_id = r.id) AS attempts FROM request_records r ORDER BY id");
                    return condition(rows) ? true : null;
                }
                catch (Npgsql.PostgresException notYet) when (notYet.SqlState == Npgsql.PostgresErrorCodes.UndefinedTable)
                {
                    return null;
                }
            },
            "rows in PostgreSQL",
            TimeSpan.FromSeconds(40));
        return rows;
    }

    private static void AssertSame(IEnumerable<string> ids, IReadOnlyList<IReadOnlyDictionary<string, object?>> rows)
    {
        Assert.Equal(ids.Order(StringComparer.Ordinal), rows.Select(row => (string)row["request_id"]!).Order(StringComparer.Ordinal));
        Assert.All(rows, row => Assert.Equal((200L, 1L), (row["status"], row["attempts"])));
    }
}
