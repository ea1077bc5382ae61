using System.Diagnostics;
using System.Net;
using System.Text;
using System.Text.Json;
using LlmGateway.FunctionalTests.Infrastructure;

namespace LlmGateway.FunctionalTests;

/// <summary>Streams that are open and silent cost little, and nobody else notices them.</summary>
[Collection(nameof(AloneCollection))]
public sealed class IdleStreamTests(ITestOutputHelper output)
{
    private const string Question = """{"model":"m","messages":[{"role":"user","content":"hi"}]}""";
    private const int WarmUp = 100;
    private const int WarmUpCalls = 3000;
    private const long MostBytesEach = 40 * 1024;

    /// <summary>Of the whole process, at nine thousand streams.</summary>
    private const long MostBytesAt9000 = 400L << 20;

    private static readonly int Streams = LongForm.Number("IDLE_STREAMS", 2000);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Idle_streams_cost_little_memory_and_no_time()
    {
        var gate = new Gate();
        await using var provider = ScriptedProvider.OpenAi().AlwaysAnswers(_ => Script.Chosen(request => request.Json().TryGetProperty("stream", out JsonElement _)
            ? Script.Sse(OpenAiReplies.RoleChunk(), OpenAiReplies.ContentChunk("one ")).WaitFor(gate).Event(OpenAiReplies.ContentChunk("two")).Event(OpenAiReplies.FinishChunk()).Done()
            : Script.Json(OpenAiReplies.Completion("hi"))));
        using var folder = new GatewayFolder();
        await using var gateway = GatewayProcess.StartWithoutTrace(
            folder,
            ["--urls", "http://127.0.0.1:0"],
            ("ENVIRONMENT", "production"), ("INTERNAL_LLM_BASE_URL", provider.BaseUrl), ("INTERNAL_LLM_MODEL", "m"), ("GATEWAY_AUTH", "none"), ("LLM_TIMEOUT", "600"),
            ("GATEWAY_MAX_CONCURRENCY", "20000"));
        await gateway.WaitForStartAsync();
        var sockets = ProcessMemory.Sockets(gateway.Id);
        var streams = new List<HttpResponseMessage>();
        await OpenAsync(gateway, streams, WarmUp);

        // What the collector lets come together before it looks is the process's, not the streams'.
        await Parallel.ForAsync(0, WarmUpCalls, new ParallelOptions { MaxDegreeOfParallelism = 16, CancellationToken = Cancellation }, async (_, cancellation) =>
        {
            using var request = Request(Question);
            using var response = await gateway.Client.SendAsync(request, cancellation);
            Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        });
        var baseline = await ShortCallsAsync(gateway);
        var before = ProcessMemory.Resident(gateway.Id);

        await OpenAsync(gateway, streams, Streams);
        var during = await ShortCallsAsync(gateway);
        var (after, opened) = (ProcessMemory.Resident(gateway.Id), ProcessMemory.Sockets(gateway.Id) - sockets);

        gate.Release();
        var whole = 0;
        foreach (var stream in streams)
        {
            using (stream)
            {
                whole += (await stream.Content.ReadAsStringAsync(Cancellation)).EndsWith("data: [DONE]\n\n", StringComparison.Ordinal) ? 1 : 0;
            }
        }

        Assert.Equal(0, await gateway.TerminateAsync());
        var each = (after - before) / Streams;
        output.WriteLine(FormattableString.Invariant(
            $"Q7: {Streams} idle streams, {each / 1024.0:0.0} KiB each ({before >> 20} to {after >> 20} MiB resident); a short call took {during.TotalMilliseconds:0.0} ms beside them, {baseline.TotalMilliseconds:0.0} ms before (p99); all went on to their end"));
        Assert.True(opened >= (Streams + WarmUp) * 2, $"{opened} sockets were opened.");
        Assert.Equal(Streams + WarmUp, whole);
        Assert.True(each <= MostBytesEach, $"{each} bytes each");
        Assert.True(Streams < 9000 || after <= MostBytesAt9000, $"{after} bytes resident");
    }

    private static async Task OpenAsync(GatewayProcess gateway, List<HttpResponseMessage> streams, int count)
    {
        var opened = new HttpResponseMessage[count];
        await Parallel.ForAsync(0, count, new ParallelOptions { MaxDegreeOfParallelism = 16, CancellationToken = Cancellation }, async (i, cancellation) =>
        {
            using var request = Request("""{"model":"m","stream":true,"messages":[{"role":"user","content":"hi"}]}""");
            opened[i] = await gateway.Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellation);
            Assert.Equal(HttpStatusCode.OK, opened[i].StatusCode);
        });
        streams.AddRange(opened);
    }

    /// <summary>The 99th percentile of two hundred short calls.</summary>
    private static async Task<TimeSpan> ShortCallsAsync(GatewayProcess gateway)
    {
        var times = new List<TimeSpan>();
        for (var i = 0; i < 200; i++)
        {
            var start = Stopwatch.GetTimestamp();
            using var request = Request(Question);
            using var response = await gateway.Client.SendAsync(request, Cancellation);
            Assert.Equal(HttpStatusCode.OK, response.StatusCode);
            times.Add(Stopwatch.GetElapsedTime(start));
        }

        times.Sort();
        return times[198];
    }

    private static HttpRequestMessage Request(string body) => new(HttpMethod.Post, "/v1/chat/completions") { Content = new StringContent(body, Encoding.UTF8, "application/json") };
}
