using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using LlmGateway.FunctionalTests.Infrastructure;

namespace LlmGateway.FunctionalTests;

/// <summary>More than the gateway takes: it says so at once, from the head alone, and what it took goes on as before.</summary>
[Collection(nameof(AloneCollection))]
public sealed class OverloadTests(ITestOutputHelper output)
{
    private const string Page = "https://app.example";
    private const string AdminKey = "sk-admin-of-overload";
    private const string Question = """{"model":"slow/m","messages":[{"role":"user","content":"hi"}]}""";

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Beyond_the_queue_a_request_is_refused_before_its_body_is_asked_for()
    {
        var gate = new Gate();
        await using var stage = await FullAsync(gate, queue: 1);
        var first = stage.AskAsync(isStreaming: false);
        await gate.Reached.WaitAsync(Eventually.DefaultLimit, Cancellation);
        using var stranger = await stage.Gateway.SendAsync(ProductionStage.Path, Question);
        var waiting = stage.AskAsync(isStreaming: false);
        var address = new Uri(stage.Gateway.BaseUrl);
        await stage.Gateway.WaitForMetricsAsync(page => page.Sum("llm_gateway_requests_in_flight", ("endpoint", ProductionStage.Path)) == 2, "both to be there");

        var refused = await RawClient.SendHeadAsync(
            address,
            RawClient.Head("POST /v1/chat/completions HTTP/1.1", address, "Authorization: Bearer " + stage.ClientKey, "Content-Type: application/json", "Content-Length: 30000000", "Expect: 100-continue"),
            "{}"u8.ToArray());
        using var anthropic = await stage.Gateway.SendAsync("/v1/messages", "{}", ("Authorization", "Bearer " + stage.ClientKey), ("Origin", Page));
        using var ollama = await stage.Gateway.SendAsync("/api/chat", "{}", ("Authorization", "Bearer " + stage.ClientKey));
        var health = new List<HttpStatusCode>();
        foreach (var path in (string[])["/health/live", "/health/ready", "/metrics"])
        {
            using var response = await stage.Gateway.Client.GetAsync(new Uri(path, UriKind.Relative), Cancellation);
            health.Add(response.StatusCode);
        }

        gate.Release();
        (await first).AssertAnswered("late");
        (await waiting).AssertAnswered("Well met");

        Assert.Equal(HttpStatusCode.Unauthorized, stranger.StatusCode);
        Assert.Equal("HTTP/1.1 503 Service Unavailable", refused.FirstLine);
        Assert.DoesNotContain("100 Continue", refused.All);
        Assert.Contains("\r\nRetry-After: 1\r\n", refused.All, StringComparison.OrdinalIgnoreCase);
        Assert.Contains("\"type\":\"overloaded_error\",\"param\":null,\"code\":\"gateway_overloaded\"", refused.All);
        Assert.Equal((HttpStatusCode.ServiceUnavailable, HttpStatusCode.ServiceUnavailable), (anthropic.StatusCode, ollama.StatusCode));
        Assert.Contains("\"type\":\"overloaded_error\"", await anthropic.Content.ReadAsStringAsync(Cancellation));
        Assert.Equal(Page, anthropic.Headers.GetValues("Access-Control-Allow-Origin").Single());
        Assert.StartsWith("{\"error\":\"", await ollama.Content.ReadAsStringAsync(Cancellation));
        Assert.All(health, status => Assert.Equal(HttpStatusCode.OK, status));
        Assert.Equal(2, stage.First.Requests.Count);

        // Each request of a known key is on record, the refused ones too.
        var records = await stage.Ledger.WaitForRequestsAsync(5);
        Assert.Equal([200L, 200L, 503L, 503L, 503L], records.Select(record => (long)record["status"]!).Order());
    }

    /// <summary>Whoever fills the queue loses a place of it to whoever has none.</summary>
    [Fact]
    public async Task Administration_gets_its_turn_while_clients_fill_the_queue()
    {
        var gate = new Gate();
        await using var stage = await FullAsync(gate, queue: 2);
        var first = stage.AskAsync(isStreaming: false);
        await gate.Reached.WaitAsync(Eventually.DefaultLimit, Cancellation);
        List<Task<ChatAnswer>> waiting = [stage.AskAsync(isStreaming: false), stage.AskAsync(isStreaming: false)];
        await stage.Gateway.WaitForMetricsAsync(page => page.Sum("llm_gateway_requests_in_flight", ("endpoint", ProductionStage.Path)) == 3, "the queue to be full");

        using var request = new HttpRequestMessage(HttpMethod.Get, "/admin/agents") { Headers = { { "Authorization", "Bearer " + AdminKey } } };
        var administration = stage.Gateway.Client.SendAsync(request, Cancellation);
        var displaced = await Task.WhenAny(waiting).WaitAsync(Eventually.DefaultLimit, Cancellation);
        waiting.Remove(displaced);
        gate.Release();

        Assert.Equal((503, "gateway_overloaded"), ((await displaced).Status, (await displaced).ErrorCode));
        using (var answer = await administration)
        {
            Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        }

        (await first).AssertAnswered("late");
        (await waiting.Single()).AssertAnswered("Well met");
    }

    [Fact]
    public async Task A_client_that_leaves_the_queue_makes_room_in_it()
    {
        var gate = new Gate();
        await using var stage = await FullAsync(gate, queue: 1);
        var first = stage.AskAsync(isStreaming: false);
        await gate.Reached.WaitAsync(Eventually.DefaultLimit, Cancellation);
        using (var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp))
        {
            await LeavingClient.ConnectAsync(socket, stage);
            await LeavingClient.SendAsync(socket, stage, ProductionStage.Body(isStreaming: false));
            await stage.Gateway.WaitForMetricsAsync(page => page.Sum("llm_gateway_requests_in_flight", ("endpoint", ProductionStage.Path)) == 2, "it to wait");
            LeavingClient.Reset(socket);
        }

        await stage.Gateway.WaitForMetricsAsync(page => page.Sum("llm_gateway_requests_total", ("status", "499")) == 1, "it to be gone");
        var next = stage.AskAsync(isStreaming: false);
        await stage.Gateway.WaitForMetricsAsync(page => page.Sum("llm_gateway_requests_in_flight", ("endpoint", ProductionStage.Path)) == 2, "the next one to wait");
        gate.Release();

        (await first).AssertAnswered("late");
        (await next).AssertAnswered("Well met");
        Assert.Equal(2, stage.First.Requests.Count);
    }

    /// <summary>
    /// Three times what it can carry, or what one key may have at once, at a pace that does not wait for answers: it goes on carrying what it can,
    /// and says at once what it can't.
    /// </summary>
    /// <param name="isOfKey">Whether the key's limit is in the way (429) or the gateway's (503).</param>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Three_times_too_much_costs_the_rest_nothing(bool isOfKey)
    {
        const int Places = 20;
        const int Latency = 100;
        const int Capacity = Places * 1000 / Latency;
        using var folder = new GatewayFolder();
        folder.Rewrite(GatewayFolder.Settings, $"providers:\n  slow: {{ type: mock, models: [m], behavior: {{ latency_ms: {Latency} }} }}\n");
        folder.Rewrite(GatewayFolder.Keys, LimitedStage.Keys(LimitedStage.KeyEntry(isOfKey ? $"\"max_concurrency\": {Places}" : "")));

        // A process of its own, warm before anything is measured: neither the client's work nor the compiler's is the gateway's answer.
        await using var gateway = GatewayProcess.Start(
            folder, ["--urls", "http://127.0.0.1:0"], ("GATEWAY_MAX_CONCURRENCY", isOfKey ? "2000" : Places.ToString(CultureInfo.InvariantCulture)), ("GATEWAY_QUEUE", "10"));
        await gateway.WaitForStartAsync();
        gateway.Client.DefaultRequestHeaders.Authorization = new("Bearer", LimitedStage.Key);
        var refusal = isOfKey ? HttpStatusCode.TooManyRequests : HttpStatusCode.ServiceUnavailable;
        await PressAsync(gateway, Capacity * 3, TimeSpan.FromSeconds(2), refusal);
        var peak = await PeakAsync(gateway, Places, TimeSpan.FromSeconds(2));

        var (goodput, refusals, bad) = await PressAsync(gateway, Capacity * 3, TimeSpan.FromSeconds(LongForm.Number("OVERLOAD_SECONDS", 10)), refusal);
        var since = Stopwatch.GetTimestamp();
        double after;
        do
        {
            after = await PeakAsync(gateway, Places, TimeSpan.FromMilliseconds(500));
        }
        while (after < peak * 0.9 && Stopwatch.GetElapsedTime(since) < TimeSpan.FromSeconds(10));
        var recovery = Stopwatch.GetElapsedTime(since);

        refusals.Sort();
        var (median, p99) = (refusals[refusals.Count / 2], refusals[(int)Math.Ceiling(refusals.Count * 0.99) - 1]);
        output.WriteLine(FormattableString.Invariant(
            $"Q18: goodput {goodput:0}/s of {peak:0}/s at three times the load ({goodput / peak:P0}); {refusals.Count} refusals ({(int)refusal}), median {median.TotalMilliseconds:0.0} ms, p99 {p99.TotalMilliseconds:0.0} ms, most {refusals[^1].TotalMilliseconds:0.0} ms; recovered within {recovery.TotalSeconds:0.0} s"));
        Assert.Empty(bad);
        Assert.True(refusals.Count > Capacity, $"{refusals.Count} refusals: there was no overload.");
        Assert.True(goodput >= peak * 0.9, $"{goodput} of {peak}");
        Assert.InRange(p99, TimeSpan.Zero, TimeSpan.FromMilliseconds(20));
        Assert.InRange(recovery, TimeSpan.Zero, TimeSpan.FromSeconds(5));
    }

    private static Task<ProductionStage> FullAsync(Gate gate, int queue) => ProductionStage.StartAloneAsync(configure: stage =>
    {
        stage.Gateway.WithVariable("GATEWAY_MAX_CONCURRENCY", "1").WithVariable("GATEWAY_QUEUE", queue.ToString(CultureInfo.InvariantCulture))
            .WithVariable("GATEWAY_CORS_ORIGINS", Page).WithVariable("ADMIN_API_KEY", AdminKey);
        stage.First.Answers(new Script().WaitFor(gate).Add(async run =>
        {
            var body = OpenAiReplies.Completion("late");
            await run.SendAsync(Encoding.UTF8.GetBytes($"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {body.Length}\r\n\r\n{body}"));
            run.Framing = BodyFraming.Length;
        }));
        stage.First.AlwaysAnswers(_ => ProductionStage.Answer(isStreaming: false));
    });

    private static Task<HttpResponseMessage> AskAsync(GatewayProcess gateway) =>
        gateway.Client.PostAsync(new Uri(ProductionStage.Path, UriKind.Relative), new StringContent(Question, Encoding.UTF8, "application/json"), Cancellation);

    /// <summary>Answers per second with every place taken and nobody waiting.</summary>
    private static async Task<double> PeakAsync(GatewayProcess gateway, int callers, TimeSpan time)
    {
        var (start, good) = (Stopwatch.GetTimestamp(), 0);
        await Task.WhenAll(Enumerable.Range(0, callers).Select(async _ =>
        {
            while (Stopwatch.GetElapsedTime(start) < time)
            {
                using var response = await AskAsync(gateway);
                Interlocked.Add(ref good, response.StatusCode == HttpStatusCode.OK ? 1 : 0);
            }
        }));
        return good / Stopwatch.GetElapsedTime(start).TotalSeconds;
    }

    private static async Task<(double Goodput, List<TimeSpan> Refusals, IReadOnlyCollection<string> Bad)> PressAsync(GatewayProcess gateway, int perSecond, TimeSpan time, HttpStatusCode refusal)
    {
        var (good, refusals, bad) = (0, new ConcurrentBag<TimeSpan>(), new ConcurrentBag<string>());
        var calls = new List<Task>();
        var start = Stopwatch.GetTimestamp();
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(10));
        while (Stopwatch.GetElapsedTime(start) < time && await timer.WaitForNextTickAsync(Cancellation))
        {
            while (calls.Count < Stopwatch.GetElapsedTime(start).TotalSeconds * perSecond)
            {
                calls.Add(CallAsync());
            }
        }

        var pressed = Stopwatch.GetElapsedTime(start);
        var goodput = Volatile.Read(ref good) / pressed.TotalSeconds;
        await Task.WhenAll(calls);
        return (goodput, [.. refusals], bad);

        async Task CallAsync()
        {
            var sent = Stopwatch.GetTimestamp();
            using var response = await AskAsync(gateway);
            var took = Stopwatch.GetElapsedTime(sent);
            if (response.StatusCode == HttpStatusCode.OK)
            {
                Interlocked.Increment(ref good);
            }
            else if (response.StatusCode == refusal && response.Headers.RetryAfter?.Delta > TimeSpan.Zero)
            {
                refusals.Add(took);
            }
            else
            {
                bad.Add(response.ToString());
            }
        }
    }
}
