using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Text;
using LlmGateway.FunctionalTests.Infrastructure;
using Microsoft.Extensions.DependencyInjection;

namespace LlmGateway.FunctionalTests;

/// <summary>More large bodies and long streams than the heap may hold (M07): it takes what there is room for, and lives.</summary>
[Collection(nameof(AloneCollection))]
public sealed class HeapLimitTests(ITestOutputHelper output)
{
    private const long HeapLimit = 0x10000000;

    /// <summary>Close to the largest body that is taken, 32 MiB.</summary>
    private const int BodyBytes = 29_900_000;

    private const int Bursts = 3;
    private const int LargeCalls = 40;
    private const int Streams = 20;
    private const int StreamEvents = 20_000;

    private static readonly byte[] Large = Encoding.UTF8.GetBytes($$"""{"model":"plain/m","messages":[{"role":"user","content":"{{new string('x', BodyBytes)}}"}]}""");

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task What_the_heap_cannot_hold_is_refused_and_the_process_lives(bool isChunked)
    {
        await using var plain = new PlainProvider();
        await using var streamer = ScriptedProvider.OpenAi().AlwaysAnswers(_ => LongStream());
        using var folder = new GatewayFolder();
        folder.Rewrite(GatewayFolder.Settings, $"providers:\n  streamer: {{ type: internal, base_url: \"{streamer.BaseUrl}/v1\", models: [m] }}\n");
        await using var gateway = GatewayProcess.StartWithoutTrace(
            folder,
            ["--urls", "http://127.0.0.1:0"],
            ("ENVIRONMENT", "production"), ("INTERNAL_LLM_BASE_URL", plain.BaseUrl + "/v1"), ("INTERNAL_LLM_MODEL", "m"), ("GATEWAY_AUTH", "none"),
            ("DOTNET_GCHeapHardLimit", "0x" + HeapLimit.ToString("X", CultureInfo.InvariantCulture)));
        var address = await gateway.WaitForStartAsync();

        // A body is sent only where it is asked for, however long that takes.
        using var client = new HttpClient(new SocketsHttpHandler { UseProxy = false, Expect100ContinueTimeout = Eventually.DefaultLimit }) { BaseAddress = address };
        await AssertAnswersAsync(client, Small("plain/m"), isChunked: false);

        var sick = new List<HttpStatusCode>();
        using var over = new CancellationTokenSource();
        var watching = WatchAsync(gateway, sick, over.Token);
        var (large, streams) = (new List<Answer>(), new List<Answer>());
        for (var i = 0; i < Bursts; i++)
        {
            var streaming = Task.WhenAll(Enumerable.Range(0, Streams).Select(_ => AskAsync(client, Small("streamer/m", ",\"stream\":true"), false)));
            large.AddRange(await Task.WhenAll(Enumerable.Range(0, LargeCalls).Select(_ => AskAsync(client, Large, isChunked))));
            streams.AddRange(await streaming);
        }

        await over.CancelAsync();
        var looks = await watching;
        var answered = large.Count(answer => answer.Status == HttpStatusCode.OK);
        var refused = large.Where(answer => answer.Status != HttpStatusCode.OK).ToArray();
        output.WriteLine(FormattableString.Invariant(
            $"M07: of {large.Count} bodies of {BodyBytes / 1e6:0} MB ({(isChunked ? "chunked" : "announced")}) in a heap of {HeapLimit >> 20} MiB {answered} were answered and {refused.Length} refused; {streams.Count(answer => answer.IsWholeStream)} of {streams.Count} streams whole; {looks} looks at health; {ProcessMemory.Resident(gateway.Id) >> 20} MiB resident"));

        Assert.InRange(answered, 1, large.Count - Bursts);
        Assert.All(refused.Concat(streams.Where(answer => !answer.IsWholeStream)), answer =>
        {
            Assert.Equal(HttpStatusCode.ServiceUnavailable, answer.Status);
            Assert.Contains("\"gateway_overloaded\"", answer.Text, StringComparison.Ordinal);
            Assert.True(answer.HasRetryAfter);
        });
        Assert.Contains(streams, answer => answer.IsWholeStream);
        Assert.Empty(sick);
        Assert.True(looks > 10);
        if (!isChunked)
        {
            Assert.All(refused, answer => Assert.False(answer.BodyWasAskedFor));
        }

        // Afterwards it is as before: with nothing else to do, everything is answered.
        for (var i = 0; i < 5; i++)
        {
            await AssertAnswersAsync(client, Small("plain/m"), isChunked: false);
            await AssertAnswersAsync(client, Large, isChunked);
        }

        Assert.DoesNotContain("OutOfMemory", gateway.AllText, StringComparison.Ordinal);
        Assert.Equal(0, await gateway.TerminateAsync());
    }

    /// <summary>Bodies of a usual size, so many that wait for their provider that together they fill the heap; small requests are refused with them.</summary>
    [Fact]
    public async Task Many_that_wait_fill_it_up_to_the_mark_and_all_of_them_are_answered()
    {
        const int Waiting = 1200;
        var gate = new Gate();
        await using var provider = ScriptedProvider.OpenAi().AlwaysAnswers(_ => new Script().WaitFor(gate).Then(Script.Json(OpenAiReplies.Completion("late"))));
        using var folder = new GatewayFolder();
        folder.Rewrite(GatewayFolder.Settings, $"providers:\n  plain: {{ type: internal, base_url: \"{provider.BaseUrl}/v1\", models: [m], timeout: 120 }}\n");
        await using var gateway = GatewayProcess.StartWithoutTrace(
            folder,
            ["--urls", "http://127.0.0.1:0"],
            ("ENVIRONMENT", "production"), ("INTERNAL_LLM_BASE_URL", provider.BaseUrl + "/v1"), ("INTERNAL_LLM_MODEL", "m"), ("GATEWAY_AUTH", "none"),
            ("DOTNET_GCHeapHardLimit", "0x" + HeapLimit.ToString("X", CultureInfo.InvariantCulture)));
        var address = await gateway.WaitForStartAsync();
        using var client = new HttpClient(new SocketsHttpHandler { UseProxy = false }) { BaseAddress = address };
        var body = Encoding.UTF8.GetBytes($$"""{"model":"plain/m","messages":[{"role":"user","content":"{{new string('x', 250_000)}}"}]}""");

        var ended = 0;
        Task<Answer>[] calls = [.. Enumerable.Range(0, Waiting).Select(_ => CountedAsync())];
        await Eventually.TrueAsync(() => provider.Requests.Count + Volatile.Read(ref ended) >= Waiting, "all to wait or to be refused", TimeSpan.FromSeconds(60));
        var taken = provider.Requests.Count;
        using (var health = await client.GetAsync(new Uri("/health/live", UriKind.Relative), Cancellation))
        {
            Assert.Equal(HttpStatusCode.OK, health.StatusCode);
        }

        gate.Release();
        var answers = await Task.WhenAll(calls);
        output.WriteLine(FormattableString.Invariant($"M07: of {Waiting} requests of 250 kB at once {taken} were taken in a heap of {HeapLimit >> 20} MiB, {answers.Count(answer => answer.Status == HttpStatusCode.OK)} answered"));

        Assert.InRange(taken, 100, Waiting - 100);
        Assert.Equal(taken, answers.Count(answer => answer.Status == HttpStatusCode.OK));
        Assert.All(answers.Where(answer => answer.Status != HttpStatusCode.OK), answer =>
            Assert.True(answer is { Status: HttpStatusCode.ServiceUnavailable, HasRetryAfter: true } && answer.Text.Contains("\"gateway_overloaded\"", StringComparison.Ordinal), answer.ToString()));
        await AssertAnswersAsync(client, body, isChunked: false);
        Assert.DoesNotContain("OutOfMemory", gateway.AllText, StringComparison.Ordinal);
        Assert.Equal(0, await gateway.TerminateAsync());

        async Task<Answer> CountedAsync()
        {
            var answer = await AskAsync(client, body, isChunked: false);
            Interlocked.Increment(ref ended);
            return answer;
        }
    }

    /// <summary>What no estimate foresees: the runtime itself says that there is no room.</summary>
    [Fact]
    public async Task Request_for_which_the_runtime_finds_no_memory_is_refused_as_overload()
    {
        await using var stage = await ProductionStage.StartAsync(configure: stage => stage.Gateway
            .WithServices(services => services.AddSingleton<Func<HttpMessageHandler>>(() => new FullHeap())));

        using var response = await stage.OpenAsync(ProductionStage.Body(isStreaming: false));

        var error = await OpenAiError.ReadAsync(response);
        Assert.Equal((503, "overloaded_error", "gateway_overloaded"), (error.Status, error.Type, error.Code));
        Assert.Equal(TimeSpan.FromSeconds(1), response.Headers.RetryAfter?.Delta);
        Assert.Equal(503L, Assert.Single(await stage.Ledger.WaitForRequestsAsync(1))["status"]);
    }

    private static byte[] Small(string model, string more = "") => Encoding.UTF8.GetBytes($$"""{"model":"{{model}}"{{more}},"messages":[{"role":"user","content":"hi"}]}""");

    private static Script LongStream()
    {
        var script = Script.Sse(OpenAiReplies.RoleChunk());
        var events = string.Concat(Enumerable.Repeat($"data: {OpenAiReplies.ContentChunk("on and on ")}\n\n", 100));
        for (var i = 0; i < StreamEvents / 100; i++)
        {
            script.Text(events);
        }

        return script.Event(OpenAiReplies.FinishChunk()).Done();
    }

    private static async Task AssertAnswersAsync(HttpClient client, byte[] body, bool isChunked)
    {
        var answer = await AskAsync(client, body, isChunked);
        Assert.True(answer.Status == HttpStatusCode.OK, answer.ToString());
    }

    private static async Task<Answer> AskAsync(HttpClient client, byte[] body, bool isChunked)
    {
        using var content = new WatchedContent(body, isChunked);
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/chat/completions") { Content = content };
        content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        request.Headers.ExpectContinue = body.Length > 1_000_000;
        request.Headers.TransferEncodingChunked = isChunked;
        using var response = await client.SendAsync(request, Cancellation);
        var text = await response.Content.ReadAsStringAsync(Cancellation);
        return new Answer(response.StatusCode, text, response.Headers.RetryAfter?.Delta > TimeSpan.Zero, content.WasAskedFor);
    }

    /// <summary>Looks at the health of the process for as long as the test goes on; answers how often.</summary>
    private static async Task<int> WatchAsync(GatewayProcess gateway, List<HttpStatusCode> sick, CancellationToken over)
    {
        using var client = new HttpClient { BaseAddress = gateway.Client.BaseAddress };
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(50));
        for (var looks = 0; ; looks++)
        {
            using var health = await client.GetAsync(new Uri("/health/live", UriKind.Relative), Cancellation);
            if (health.StatusCode != HttpStatusCode.OK)
            {
                sick.Add(health.StatusCode);
            }

            if (over.IsCancellationRequested)
            {
                return looks;
            }

            await timer.WaitForNextTickAsync(Cancellation);
        }
    }

    private sealed record Answer(HttpStatusCode Status, string Text, bool HasRetryAfter, bool BodyWasAskedFor)
    {
        public bool IsWholeStream => Status == HttpStatusCode.OK && Text.EndsWith("data: [DONE]\n\n", StringComparison.Ordinal);
    }

    /// <summary>Asks for more than an array may hold, which the runtime refuses in the same words as what no heap has room for.</summary>
    private sealed class FullHeap : HttpMessageHandler
    {
        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken) =>
            Task.FromResult(new HttpResponseMessage { Content = new ByteArrayContent(new byte[int.MaxValue]) });
    }

    /// <summary>A body that notes whether anybody wanted it.</summary>
    private sealed class WatchedContent(byte[] body, bool isChunked) : HttpContent
    {
        public bool WasAskedFor { get; private set; }

        protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context)
        {
            WasAskedFor = true;
            await stream.WriteAsync(body);
        }

        protected override bool TryComputeLength(out long length)
        {
            length = body.Length;
            return !isChunked;
        }
    }
}
