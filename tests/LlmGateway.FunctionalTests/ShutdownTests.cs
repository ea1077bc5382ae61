using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using LlmGateway.FunctionalTests.Infrastructure;

namespace LlmGateway.FunctionalTests;

/// <summary>How the process stops: what runs ends in good order, what is new goes elsewhere, nothing breaks off in silence. Alone, because it is held to its times.</summary>
[Collection(nameof(AloneCollection))]
public sealed class ShutdownTests(ITestOutputHelper output)
{
    private const string Chat = "/v1/chat/completions";
    private const string Question = """{"model":"m","messages":[{"role":"user","content":"hi"}]}""";
    private const string Streamed = """{"model":"m","stream":true,"messages":[{"role":"user","content":"hi"}]}""";
    private const string AnthropicStreamed = """{"model":"m","max_tokens":64,"stream":true,"messages":[{"role":"user","content":"hi"}]}""";

    /// <summary>By how much the end may be later than the drain time, or than the signal that waits for none (L02, L03).</summary>
    private static readonly TimeSpan Beyond = TimeSpan.FromSeconds(2);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task What_runs_ends_and_what_is_new_is_sent_elsewhere()
    {
        const int Streams = 100;
        const int Refused = 4;
        var gate = new Gate();
        await using var provider = ScriptedProvider.OpenAi().AlwaysAnswers(_ => Script.Chosen(request => request.Json().TryGetProperty("stream", out var isStreaming) && isStreaming.GetBoolean()
            ? Script.Sse(OpenAiReplies.RoleChunk(), OpenAiReplies.ContentChunk("one ")).WaitFor(gate).Event(OpenAiReplies.ContentChunk("two")).Event(OpenAiReplies.FinishChunk()).Event(OpenAiReplies.UsageChunk()).Done()
            : Script.Json(OpenAiReplies.Completion("hi"))));
        using var folder = new GatewayFolder();
        await using var gateway = await StartAsync(folder, provider, ("GATEWAY_ANNOUNCE_SECONDS", "1.5"), ("GATEWAY_DRAIN_SECONDS", "60"));
        var streams = await Task.WhenAll(Enumerable.Range(0, Streams).Select(_ => OpenAsync(gateway, Chat, Streamed)));

        var start = Stopwatch.GetTimestamp();
        gateway.Signal(GatewayProcess.SigTerm);

        // While it announces: not ready, alive, and serving.
        await Eventually.AnswersAsync<bool>(async () => await StatusOfAsync(gateway, "/health/ready") == HttpStatusCode.ServiceUnavailable ? true : null, "readiness to end");
        var served = 0;
        while (await AskAsync(gateway) is { StatusCode: HttpStatusCode.OK })
        {
            served++;
            Assert.Equal(HttpStatusCode.ServiceUnavailable, await StatusOfAsync(gateway, "/health/ready"));
        }

        var announced = Stopwatch.GetElapsedTime(start);
        Assert.True(served > 0);
        Assert.InRange(announced, TimeSpan.FromSeconds(1.4), TimeSpan.FromSeconds(1.5) + Beyond);

        // While it drains: alive, refusing in each client's own form, streaming on.
        Assert.Equal(HttpStatusCode.OK, await StatusOfAsync(gateway, "/health/live"));
        Assert.Equal(HttpStatusCode.OK, await StatusOfAsync(gateway, "/metrics"));
        await AssertRefusedAsync(gateway, Chat, Question, error => Assert.Equal(("overloaded_error", "shutting_down"), (error.GetProperty("error").GetProperty("type").GetString(), error.GetProperty("error").GetProperty("code").GetString())));
        await AssertRefusedAsync(gateway, "/v1/messages", AnthropicStreamed, error => Assert.Equal("overloaded_error", error.GetProperty("error").GetProperty("type").GetString()));
        await AssertRefusedAsync(gateway, "/api/chat", Question, error => Assert.Equal(JsonValueKind.String, error.GetProperty("error").ValueKind));

        gate.Release();
        var texts = await Task.WhenAll(streams.Select(async stream =>
        {
            using (stream)
            {
                return await stream.Content.ReadAsStringAsync(Cancellation);
            }
        }));
        var exit = await gateway.WaitForExitAsync();

        Assert.Equal(0, exit);
        Assert.All(texts, text => Assert.True(text.Contains("two", StringComparison.Ordinal) && text.EndsWith("data: [DONE]\n\n", StringComparison.Ordinal), text));
        var rows = new LedgerFile(Path.Combine(folder.Path, "data", "gateway.db")).Query("select status, input_tokens from request_records");
        var answered = rows.Where(row => row["status"] is 200L).ToList();
        Assert.Equal((Streams + served, Refused), (answered.Count, rows.Count(row => row["status"] is 503L)));
        Assert.All(answered, row => Assert.Equal(9L, row["input_tokens"]));
        output.WriteLine($"Q12: {Streams} streams ran on while it drained, 0 were cut; {served} calls served in the {announced.TotalSeconds:0.0} s of announcing");
    }

    [Fact]
    public async Task What_is_left_after_the_drain_time_is_told_and_accounted_for()
    {
        const int Streams = 20;
        var gate = new Gate();
        await using var provider = ScriptedProvider.OpenAi()
            .AlwaysAnswers(_ => Script.Chosen(request => request.Json().TryGetProperty("stream", out var isStreaming) && isStreaming.GetBoolean()
                ? Script.Sse(OpenAiReplies.RoleChunk(), OpenAiReplies.ContentChunk("one ")).WaitFor(gate)
                : Script.NeverAnswer()))
            .On("POST /v1/responses", Script.Sse("""{"type":"response.created"}""").WaitFor(gate));
        using var folder = new GatewayFolder();
        await using var gateway = await StartAsync(folder, provider, ("GATEWAY_DRAIN_SECONDS", "1"));
        var openAi = await Task.WhenAll(Enumerable.Range(0, Streams).Select(_ => OpenAsync(gateway, Chat, Streamed)));
        using var anthropic = await OpenAsync(gateway, "/v1/messages", AnthropicStreamed);
        using var ollama = await OpenAsync(gateway, "/api/chat", Question);
        using var responses = await OpenAsync(gateway, "/v1/responses", """{"stream":true}""");
        var unanswered = OpenAsync(gateway, Chat, Question);
        await provider.WaitForRequestAsync(Streams + 4);

        var start = Stopwatch.GetTimestamp();
        gateway.Signal(GatewayProcess.SigTerm);
        var texts = await Task.WhenAll(openAi.Append(anthropic).Append(ollama).Append(responses).Select(stream => stream.Content.ReadAsStringAsync(Cancellation)));
        using var refused = await unanswered;
        var exit = await gateway.WaitForExitAsync();
        var took = Stopwatch.GetElapsedTime(start);

        Assert.Equal(0, exit);
        Assert.InRange(took, TimeSpan.FromSeconds(0.9), TimeSpan.FromSeconds(1) + Beyond);
        foreach (var text in texts[..Streams])
        {
            var last = text.Split("\n\n", StringSplitOptions.RemoveEmptyEntries)[^1];
            Assert.Equal("shutting_down", Parse(last["data: ".Length..]).GetProperty("error").GetProperty("code").GetString());
            Assert.DoesNotContain("[DONE]", text, StringComparison.Ordinal);
            Assert.DoesNotContain("\"finish_reason\":\"", text, StringComparison.Ordinal);
        }

        Assert.Contains("event: error\ndata: {\"type\":\"error\"", texts[Streams], StringComparison.Ordinal);
        Assert.DoesNotContain("message_stop", texts[Streams], StringComparison.Ordinal);
        Assert.Equal(JsonValueKind.String, Parse(texts[Streams + 1].Split('\n', StringSplitOptions.RemoveEmptyEntries)[^1]).GetProperty("error").ValueKind);
        Assert.EndsWith("\n\ndata: " + Encoding.UTF8.GetString(Model.ErrorJson.Write(LlmGateway.Lifecycle.Refusals.ShuttingDown)) + "\n\n", texts[Streams + 2], StringComparison.Ordinal);
        Assert.Equal((HttpStatusCode.ServiceUnavailable, "shutting_down"), (refused.StatusCode, (await OpenAiError.ReadAsync(refused)).Code));

        var ledger = new LedgerFile(Path.Combine(folder.Path, "data", "gateway.db"));
        Assert.Equal(Streams + 4, ledger.Query("select id from request_records").Count);
        var cut = ledger.Query("select a.outcome, a.source, a.input_tokens from attempt_records a join request_records r on r.id = a.record_id where r.status = 200 and r.endpoint not like '%path%'");
        Assert.Equal(Streams + 2, cut.Count);
        Assert.All(cut, row => Assert.Equal(("cancelled", "estimated", true), (row["outcome"], row["source"], (long)row["input_tokens"]! > 0)));
        Assert.All(openAi, stream => stream.Dispose());
        output.WriteLine($"Q12: {Streams + 3} streams outlived a drain time of 1 s, all got one error event and a record; exit after {took.TotalSeconds:0.00} s");
    }

    [Fact]
    public async Task A_client_that_does_not_read_cannot_hold_the_process()
    {
        await using var provider = ScriptedProvider.OpenAi().Answers(Script.Sse(OpenAiReplies.RoleChunk(), OpenAiReplies.ContentChunk("one ")).Fill(256L << 20, "data: " + OpenAiReplies.ContentChunk(new string('x', 4000)) + "\n\n"));
        using var folder = new GatewayFolder();
        await using var gateway = await StartAsync(folder, provider, ("GATEWAY_DRAIN_SECONDS", "0.5"));
        using var stream = await OpenAsync(gateway, Chat, Streamed);
        long sent = -1;
        await Eventually.TrueAsync(() => sent == (sent = provider.Requests[0].Tally.BytesSent), "the provider to be held back", TimeSpan.FromSeconds(30));

        var start = Stopwatch.GetTimestamp();
        var exit = await gateway.TerminateAsync();
        var took = Stopwatch.GetElapsedTime(start);

        Assert.Equal(0, exit);
        Assert.InRange(took, TimeSpan.FromSeconds(0.4), TimeSpan.FromSeconds(0.5) + Beyond);
        Assert.Single(new LedgerFile(Path.Combine(folder.Path, "data", "gateway.db")).Query("select id from request_records"));
    }

    /// <summary>One has sent half of a head, one half of an upload: neither is a request any more that runs, and the server would wait for both.</summary>
    [Fact]
    public async Task A_client_that_does_not_send_cannot_hold_the_process()
    {
        await using var provider = ScriptedProvider.OpenAi().On("POST /v1/files", new Script().BeforeBody().ReadBody());
        using var folder = new GatewayFolder();
        await using var gateway = await StartAsync(folder, provider, ("GATEWAY_DRAIN_SECONDS", "0.5"));
        var address = gateway.Client.BaseAddress!;
        using var head = new TcpClient(address.Host, address.Port);
        await head.GetStream().WriteAsync("GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\nPOST /v1/fi"u8.ToArray(), Cancellation);
        Assert.NotEqual(0, await head.GetStream().ReadAsync(new byte[1024], Cancellation));
        using var upload = new TcpClient(address.Host, address.Port);
        await upload.GetStream().WriteAsync("POST /v1/files HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\nabc"u8.ToArray(), Cancellation);
        await provider.WaitForRequestAsync();

        var start = Stopwatch.GetTimestamp();
        var exit = await gateway.TerminateAsync();
        var took = Stopwatch.GetElapsedTime(start);

        Assert.Equal(0, exit);
        Assert.InRange(took, TimeSpan.FromSeconds(0.4), TimeSpan.FromSeconds(0.5) + Beyond);
    }

    [Theory]
    [InlineData(GatewayProcess.SigTerm, GatewayProcess.SigTerm)]
    [InlineData(GatewayProcess.SigTerm, GatewayProcess.SigInt)]
    [InlineData(GatewayProcess.SigTerm, GatewayProcess.SigQuit)]
    [InlineData(GatewayProcess.SigQuit, GatewayProcess.SigTerm)]
    public async Task A_second_signal_does_not_wait(int first, int second)
    {
        var (exit, took, rows, text) = await StopWithAStreamOpenAsync("production", first, second);

        Assert.Equal(0, exit);
        Assert.InRange(took, TimeSpan.Zero, Beyond);
        Assert.Equal(1, rows);
        Assert.Contains("shutting_down", text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Ctrl_C_in_development_does_not_wait()
    {
        var (exit, took, rows, text) = await StopWithAStreamOpenAsync("development", GatewayProcess.SigInt);

        Assert.Equal(0, exit);
        Assert.InRange(took, TimeSpan.Zero, Beyond);
        Assert.Equal(1, rows);
        Assert.Contains("shutting_down", text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_hangup_signal_reads_the_configuration_again()
    {
        await using var provider = ScriptedProvider.OpenAi();
        using var folder = new GatewayFolder();
        await using var gateway = await StartAsync(folder, provider);

        folder.Rewrite(GatewayFolder.Agents, """{"default":{"model_name":"from-the-file","provider":"internal"}}""");
        gateway.Signal(GatewayProcess.SigHup);

        await gateway.WaitForLineAsync("Configuration revision 2 is in force");
        Assert.Equal(HttpStatusCode.OK, await StatusOfAsync(gateway, "/health/ready"));
        Assert.Equal(0, await gateway.TerminateAsync());
    }

    /// <summary>Two instances behind a balancer that asks for readiness, each restarted in turn under load.</summary>
    [Fact]
    public async Task A_rolling_restart_fails_no_request()
    {
        const int Callers = 8;
        await using var provider = ScriptedProvider.OpenAi().AlwaysAnswers(_ => Script.Json(OpenAiReplies.Completion("hi")));
        using var folders = new FolderPair();
        await using var balancer = new SmallBalancer();
        for (var node = 0; node < 2; node++)
        {
            balancer.Set(node, await StartAsync(folders[node], provider, ("GATEWAY_ANNOUNCE_SECONDS", "1")));
        }

        using var stopping = new CancellationTokenSource();
        var (good, bad) = (0, new System.Collections.Concurrent.ConcurrentQueue<string>());
        var load = Task.WhenAll(Enumerable.Range(0, Callers).Select(async _ =>
        {
            while (!stopping.IsCancellationRequested)
            {
                using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(balancer.BaseUrl + Chat)) { Content = new StringContent(Question, Encoding.UTF8, "application/json") };
                using var response = await balancer.Client.SendAsync(request, Cancellation);
                if (response.StatusCode == HttpStatusCode.OK)
                {
                    Interlocked.Increment(ref good);
                }
                else
                {
                    bad.Enqueue(response.StatusCode + " " + await response.Content.ReadAsStringAsync(Cancellation));
                }
            }
        }));

        for (var node = 0; node < 2; node++)
        {
            var before = good;
            await Eventually.TrueAsync(() => good > before + 50, "load");
            Assert.Equal(0, await balancer[node].TerminateAsync());
            await balancer[node].DisposeAsync();
            balancer.Set(node, await StartAsync(folders[node], provider, ("GATEWAY_ANNOUNCE_SECONDS", "1")));
        }

        await stopping.CancelAsync();
        await load;

        Assert.Empty(bad);
        output.WriteLine($"Q12: rolling restart of two instances, {good} requests, 0 failed");
        Assert.Equal(0, await balancer[0].TerminateAsync());
        Assert.Equal(0, await balancer[1].TerminateAsync());
        Assert.Equal(good, folders.CountRecords());
    }

    private static async Task<GatewayProcess> StartAsync(GatewayFolder folder, ScriptedProvider provider, params (string Name, string Value)[] variables)
    {
        var gateway = GatewayProcess.Start(
            folder,
            ["--urls", "http://127.0.0.1:0"],
            [("ENVIRONMENT", "production"), ("INTERNAL_LLM_BASE_URL", provider.BaseUrl + "/v1"), ("INTERNAL_LLM_MODEL", "internal-model"), ("GATEWAY_AUTH", "none"), .. variables]);
        await gateway.WaitForStartAsync();
        return gateway;
    }

    private static async Task<(int Exit, TimeSpan Took, int Rows, string Text)> StopWithAStreamOpenAsync(string environment, params int[] signals)
    {
        var gate = new Gate();
        await using var provider = ScriptedProvider.Ollama().Answers(Script.JsonLines(OllamaReplies.Word("Well ")).WaitFor(gate));
        using var folder = new GatewayFolder();
        folder.Rewrite(GatewayFolder.Agents, """{"default":{"provider":"ollama","model_name":"m"}}""");
        await using var gateway = GatewayProcess.Start(
            folder, ["--urls", "http://127.0.0.1:0"], ("ENVIRONMENT", environment), ("OLLAMA_BASE_URL", provider.BaseUrl), ("GATEWAY_AUTH", "none"), ("GATEWAY_DRAIN_SECONDS", "300"));
        await gateway.WaitForStartAsync();
        using var stream = await OpenAsync(gateway, Chat, Streamed);

        var start = Stopwatch.GetTimestamp();
        foreach (var signal in signals)
        {
            gateway.Signal(signal);
            await gateway.WaitForLineAsync("Stopping: requests are served");
        }

        var text = await stream.Content.ReadAsStringAsync(Cancellation);
        var exit = await gateway.WaitForExitAsync();
        return (exit, Stopwatch.GetElapsedTime(start), new LedgerFile(Path.Combine(folder.Path, "data", "gateway.db")).Query("select id from request_records").Count, text);
    }

    private static async Task AssertRefusedAsync(GatewayProcess gateway, string path, string body, Action<JsonElement> check)
    {
        using var response = await OpenAsync(gateway, path, body);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, response.StatusCode);
        Assert.True(response.Headers.RetryAfter?.Delta > TimeSpan.Zero);
        Assert.True(response.Headers.Contains("X-Request-Id"));
        check(Parse(await response.Content.ReadAsStringAsync(Cancellation)));
    }

    private static Task<HttpResponseMessage> AskAsync(GatewayProcess gateway) => OpenAsync(gateway, Chat, Question);

    private static async Task<HttpResponseMessage> OpenAsync(GatewayProcess gateway, string path, string body)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = new StringContent(body, Encoding.UTF8, "application/json") };
        return await gateway.Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, Cancellation);
    }

    private static async Task<HttpStatusCode> StatusOfAsync(GatewayProcess gateway, string path)
    {
        using var response = await gateway.Client.GetAsync(new Uri(path, UriKind.Relative), Cancellation);
        return response.StatusCode;
    }

    private static JsonElement Parse(string json)
    {
        using var document = JsonDocument.Parse(json);
        return document.RootElement.Clone();
    }

    private sealed class FolderPair : IDisposable
    {
        private readonly GatewayFolder[] _folders = [new(), new()];

        public GatewayFolder this[int node] => _folders[node];

        public int CountRecords() => _folders.Sum(folder => new LedgerFile(Path.Combine(folder.Path, "data", "gateway.db")).Query("select id from request_records").Count);

        public void Dispose() => Array.ForEach(_folders, folder => folder.Dispose());
    }
}
