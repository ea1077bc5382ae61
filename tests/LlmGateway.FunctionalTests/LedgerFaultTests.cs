using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Text.Json;
using LlmGateway.Database;
using LlmGateway.FunctionalTests.Infrastructure;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.DependencyInjection;

namespace LlmGateway.FunctionalTests;

/// <summary>The ledger in SQLite while its file is full, locked or gone, its process is killed, or its clients leave: each call has one record.</summary>
public sealed class LedgerFaultTests(ITestOutputHelper output)
{
    private const int SigKill = 9;

    /// <summary>From the process's beginning until it is ready, on a machine that is not overloaded (Q13).</summary>
    private static readonly TimeSpan LongestStart = TimeSpan.FromSeconds(3);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_full_disk_costs_no_request_and_no_record()
    {
        await using var stage = await ProductionStage.StartAloneAsync();
        stage.First.AlwaysAnswers(_ => ProductionStage.Answer(isStreaming: false));
        (await stage.AskAsync(isStreaming: false)).AssertAnswered("Well met");
        await stage.Ledger.WaitForRequestsAsync(1);
        await stage.Gateway.Services.GetRequiredService<IDatabase>().RunAsync(
            connection =>
            {
                // No page more than there are: the next one that is needed is not to be had.
                using var command = connection.CreateCommand();
                command.CommandText = "PRAGMA max_page_count = 1";
                return command.ExecuteScalar();
            },
            Cancellation);

        await Task.WhenAll(Enumerable.Range(0, 100).Select(async i =>
            (await stage.AskAsync(ProductionStage.Body(isStreaming: false), ("X-User-Id", new string('x', 200)), ("X-Request-Id", $"full-{i}"))).AssertAnswered("Well met")));

        Assert.Equal(101, (await stage.Ledger.WaitForRequestsAsync(101)).Select(row => row["request_id"]).Distinct().Count());
        Assert.Contains("database or disk is full", stage.Gateway.Log.Text, StringComparison.Ordinal);
        Assert.Equal(0, (await stage.Gateway.MetricsAsync()).Sum("llm_gateway_usage_records_total", ("result", "lost")));
    }

    [Fact]
    public async Task A_file_that_another_process_has_locked_costs_no_request_and_no_record()
    {
        await using var stage = await ProductionStage.StartAloneAsync();
        stage.First.AlwaysAnswers(_ => ProductionStage.Answer(isStreaming: false));
        (await stage.AskAsync(isStreaming: false)).AssertAnswered("Well met");
        await stage.Ledger.WaitForRequestsAsync(1);
        using (var other = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = Path.Combine(stage.Gateway.Folder.Path, "data", "gateway.db"), Pooling = false }.ToString()))
        {
            other.Open();
            using var locking = other.CreateCommand();
            locking.CommandText = "BEGIN IMMEDIATE";
            locking.ExecuteNonQuery();
            for (var i = 0; i < 20; i++)
            {
                (await stage.AskAsync(isStreaming: false)).AssertAnswered("Well met");
            }

            await stage.Gateway.WaitForMetricsAsync(page => page.Value("llm_gateway_store_up", ("store", "database")) == 0, "the database to be down");
            Assert.Contains("locked by another process", await stage.Gateway.Client.GetStringAsync(new Uri("/health/ready", UriKind.Relative), Cancellation), StringComparison.Ordinal);
        }

        await stage.Ledger.WaitForRequestsAsync(21);
        await stage.Gateway.WaitForMetricsAsync(page => page.Value("llm_gateway_store_up", ("store", "database")) == 1, "the database to be up");
    }

    [Fact]
    public async Task A_file_that_was_deleted_is_made_anew()
    {
        await using var stage = await ProductionStage.StartAloneAsync();
        stage.First.AlwaysAnswers(_ => ProductionStage.Answer(isStreaming: false));
        (await stage.AskAsync(isStreaming: false)).AssertAnswered("Well met");
        await stage.Ledger.WaitForRequestsAsync(1);
        foreach (var file in Directory.GetFiles(Path.Combine(stage.Gateway.Folder.Path, "data"), "gateway.db*"))
        {
            File.Delete(file);
        }

        (await stage.AskAsync(isStreaming: false, ("X-Request-Id", "anew"))).AssertAnswered("Well met");

        Assert.Equal("anew", Assert.Single(await stage.Ledger.WaitForRequestsAsync(1))["request_id"]);
    }

    [Fact]
    public async Task A_killed_process_leaves_a_record_of_every_call_that_it_had_made()
    {
        const int Kills = 3;
        const int Streams = 30;
        const int Silent = 10;
        using var folder = new GatewayFolder();
        var ledger = new LedgerFile(Path.Combine(folder.Path, "data", "gateway.db"));
        await using var provider = ScriptedProvider.OpenAi().AlwaysAnswers(_ => Script.Chosen(request => request.Text switch
        {
            var text when text.Contains("stream-", StringComparison.Ordinal) => Script.Sse(OpenAiReplies.RoleChunk(), OpenAiReplies.ContentChunk("one ")).Stall(),
            var text when text.Contains("silent-", StringComparison.Ordinal) => Script.NeverAnswer(),
            _ => Script.Json(OpenAiReplies.Completion("done")),
        }));
        var slowestStart = TimeSpan.Zero;
        for (var kill = 0; kill < Kills; kill++)
        {
            await using var gateway = Start(folder, provider);
            slowestStart = Max(slowestStart, await StartTimeAsync(gateway));
            using (await OpenAsync(gateway, isStreaming: false, $"done-{kill}"))
            {
                // The request line is written when the request has been settled.
                await gateway.WaitForLineAsync($"done-{kill}");
            }

            var streams = await Task.WhenAll(Enumerable.Range(0, Streams).Select(i => OpenAsync(gateway, isStreaming: true, $"stream-{kill}-{i}")));
            var silent = Enumerable.Range(0, Silent).Select(i => OpenAsync(gateway, isStreaming: false, $"silent-{kill}-{i}")).ToArray();
            await provider.WaitForRequestAsync((kill + 1) * (Streams + Silent + 1));
            gateway.Signal(SigKill);
            await gateway.WaitForExitAsync();
            Array.ForEach(streams, stream => stream.Dispose());
            Assert.All(await Task.WhenAll(silent.Select(FailsAsync)), Assert.True);
        }

        var oracle = provider.Requests.Select(request => request.Json().GetProperty("messages")[0].GetProperty("content").GetString()!).ToArray();
        await using (var last = Start(folder, provider))
        {
            slowestStart = Max(slowestStart, await StartTimeAsync(last));
            var rows = await ledger.WaitForRequestsAsync(oracle.Length);
            Assert.Equal(oracle.Order(StringComparer.Ordinal), rows.Select(row => (string)row["request_id"]!).Order(StringComparer.Ordinal));
            foreach (var row in rows)
            {
                var isDone = ((string)row["request_id"]!).StartsWith("done-", StringComparison.Ordinal);
                Assert.Equal(isDone ? (200L, "success", "provider", 0L) : (0L, "interrupted", "estimated", 1L), (row["status"], row["attempt_outcome"], row["attempt_source"], row["estimated"]));
                Assert.True((long)row["input_tokens"]! > 0);
                Assert.Equal(("test", "default", "internal"), (row["key_name"], row["agent"], row["provider"]));
                Assert.Single(ledger.Attempts(row));
            }

            Assert.Equal(0, await last.TerminateAsync());
        }

        Assert.Equal(["folder.lock"], Directory.GetFiles(Path.Combine(folder.Path, "data", "journal")).Select(Path.GetFileName));
        Assert.InRange(slowestStart, TimeSpan.FromSeconds(0.1), LongestStart);
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"Q13: {Kills} kills, {oracle.Length} calls made, 0 without a record, 0 doubled; slowest start {slowestStart.TotalSeconds:F2} s"));
    }

    [Fact]
    public async Task A_passed_on_call_is_noted_before_it_is_made_too()
    {
        using var folder = new GatewayFolder();
        await using var provider = ScriptedProvider.Anything().On("POST /v1/responses", Script.NeverAnswer());
        await using (var killed = Start(folder, provider))
        {
            await killed.WaitForStartAsync();
            var asking = OpenAsync(killed, isStreaming: false, "passed-on", "/v1/responses");
            await provider.WaitForRequestAsync();
            killed.Signal(SigKill);
            await killed.WaitForExitAsync();
            Assert.True(await FailsAsync(asking));
        }

        await using var next = Start(folder, provider);
        await next.WaitForStartAsync();

        var row = Assert.Single(await new LedgerFile(Path.Combine(folder.Path, "data", "gateway.db")).WaitForRequestsAsync(1));
        Assert.Equal(("passed-on", "/v1/{**path}", "internal", "interrupted", 0L), (row["request_id"], row["endpoint"], row["provider"], row["attempt_outcome"], row["status"]));
    }

    [Fact]
    public async Task A_gateway_beside_it_takes_over_the_journal_of_one_that_was_killed()
    {
        using var folder = new GatewayFolder();
        var ledger = new LedgerFile(Path.Combine(folder.Path, "data", "gateway.db"));
        await using var provider = ScriptedProvider.OpenAi().AlwaysAnswers(_ => Script.Sse(OpenAiReplies.RoleChunk(), OpenAiReplies.ContentChunk("one ")).Stall());
        await using var killed = Start(folder, provider);
        await killed.WaitForStartAsync();
        await using var living = Start(folder, provider);
        await living.WaitForStartAsync();
        using var first = await OpenAsync(killed, isStreaming: true, "of-the-killed");
        using var second = await OpenAsync(living, isStreaming: true, "of-the-living");

        killed.Signal(SigKill);
        await killed.WaitForExitAsync();

        // It looks around every half minute; the stream that it still serves itself is none of those.
        var row = Assert.Single(await ledger.WaitForAsync("SELECT * FROM request_records", rows => rows.Count > 0, TimeSpan.FromSeconds(60)));
        Assert.Equal(("of-the-killed", "interrupted"), (row["request_id"], row["attempt_outcome"]));
    }

    [Fact]
    public async Task Streams_whose_clients_leave_anywhere_are_estimated_from_what_was_sent()
    {
        const int Streams = 200;
        var random = new Random(20261001);
        await using var stage = await ProductionStage.StartAloneAsync();
        var sent = 0L;
        var lengths = Enumerable.Range(0, Streams).Select(_ => random.Next(1, 60)).ToArray();
        stage.First.AlwaysAnswers(_ => Script.Chosen(request =>
        {
            var words = lengths[int.Parse(request.Json().GetProperty("messages")[0].GetProperty("content").GetString()!, CultureInfo.InvariantCulture)];
            Interlocked.Add(ref sent, words);
            return Enumerable.Range(0, words).Aggregate(Script.Sse(OpenAiReplies.RoleChunk()), (script, _) => script.Event(OpenAiReplies.ContentChunk("word "))).Stall();
        }));

        await Parallel.ForAsync(0, Streams, new ParallelOptions { MaxDegreeOfParallelism = 32, CancellationToken = Cancellation }, async (i, _) =>
        {
            using var response = await stage.OpenAsync(ProductionStage.Body(isStreaming: true, i.ToString(CultureInfo.InvariantCulture)));
            await using var reader = await SseReader.OpenAsync(response, Cancellation);
            for (var words = 0; words < lengths[i];)
            {
                words += (await reader.NextAsync())!.Data.Contains("word", StringComparison.Ordinal) ? 1 : 0;
            }
        });

        var rows = await stage.Ledger.WaitForRequestsAsync(Streams);
        Assert.All(rows, row => Assert.Equal((499L, "cancelled", "estimated"), (row["status"], row["attempt_outcome"], row["attempt_source"])));
        Assert.All(rows, row => Assert.True((long)row["output_tokens"]! > 0 && (long)row["input_tokens"]! > 0));
        var counted = rows.Sum(row => (long)row["output_tokens"]!);
        Assert.InRange(counted, sent * 0.9, sent * 1.1);
        output.WriteLine($"G01: {Streams} streams left, {sent} tokens sent, {counted} counted");
    }

    private static GatewayProcess Start(GatewayFolder folder, ScriptedProvider provider) => GatewayProcess.Start(
        folder,
        ["--urls", "http://127.0.0.1:0"],
        ("ENVIRONMENT", "production"),
        ("INTERNAL_LLM_BASE_URL", provider.BaseUrl + "/v1"),
        ("INTERNAL_LLM_MODEL", "internal-model"),
        ("GATEWAY_API_KEYS", "test:sk-client-4711"));

    /// <summary>How long it took to be ready by its own log, less what the kernel kept it waiting while other processes had the cores.</summary>
    private static async Task<TimeSpan> StartTimeAsync(GatewayProcess gateway)
    {
        await gateway.WaitForStartAsync();
        var waited = ProcessMemory.WaitedForCore(gateway.Id);
        using var process = Process.GetProcessById(gateway.Id);
        using var line = JsonDocument.Parse(await gateway.WaitForLineAsync("Gateway started"));
        using var ready = await gateway.Client.GetAsync(new Uri("/health/ready", UriKind.Relative), Cancellation);
        Assert.Equal(HttpStatusCode.OK, ready.StatusCode);
        return line.RootElement.GetProperty("time").GetDateTimeOffset() - process.StartTime - waited;
    }

    private static async Task<HttpResponseMessage> OpenAsync(GatewayProcess gateway, bool isStreaming, string id, string path = ProductionStage.Path)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, path)
        {
            Content = new StringContent(ProductionStage.Body(isStreaming, id), System.Text.Encoding.UTF8, "application/json"),
            Headers = { { "Authorization", "Bearer sk-client-4711" }, { "X-Request-Id", id } },
        };
        return await gateway.Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, Cancellation);
    }

    private static async Task<bool> FailsAsync(Task<HttpResponseMessage> asking)
    {
        try
        {
            (await asking).Dispose();
            return false;
        }
        catch (HttpRequestException)
        {
            return true;
        }
    }

    private static TimeSpan Max(TimeSpan one, TimeSpan other) => one > other ? one : other;
}
