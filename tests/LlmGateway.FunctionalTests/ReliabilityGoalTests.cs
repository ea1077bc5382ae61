using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using LlmGateway.FunctionalTests.Infrastructure;

namespace LlmGateway.FunctionalTests;

/// <summary>What is promised in figures about faults and leaving clients. Each test writes its figures to its output; alone in the process, because times are everybody's.</summary>
[Collection(nameof(AloneCollection))]
public sealed class ReliabilityGoalTests(ITestOutputHelper output)
{
    private const int Seed = 20260917;
    private const int FaultsBefore = 400;
    private const int FaultsAfter = 200;
    private const int Disconnects = 120;
    private const int AtOnce = 8;
    private const string ErrorChunk = """{"error":{"message":"The server had an error","type":"server_error","param":null,"code":null}}""";

    private static readonly TimeSpan LatestClose = TimeSpan.FromMilliseconds(500);

    /// <summary>What a provider does instead of a first token, streamed or not.</summary>
    private static readonly Func<bool, Script>[] BeforeContent =
    [
        _ => new Script().Fin(),
        _ => new Script().Reset(),
        _ => Script.Raw("HTTP/1.1 200 OK\r\ncontent-ty").Fin(),
        _ => Script.Json("{}", 500),
        _ => Script.Json("{}", 503),
        _ => Script.Json(OpenAiReplies.Error("slow down", "requests", "rate_limit_exceeded"), 429, ("retry-after", "30")),
        _ => Script.Json(OpenAiReplies.Error("no such model", "invalid_request_error", "model_not_found"), 404),
        _ => Script.Whole(200, "text/html", "<html>down</html>"u8.ToArray()),
        _ => Script.Json(ErrorChunk),
        isStreaming => isStreaming ? Script.Sse() : Script.Json(""),
        isStreaming => isStreaming ? Script.Sse("oops") : Script.Json("oops"),
        isStreaming => isStreaming ? Script.Sse(ErrorChunk) : Script.Json("""{"choices":[]}"""),
        isStreaming => isStreaming ? Script.Sse(OpenAiReplies.RoleChunk()).Fin() : new Script().Head(200, "application/json", BodyFraming.Length, ("content-length", "500")).Text("{").Fin(),
        isStreaming => isStreaming ? Script.Sse(OpenAiReplies.RoleChunk()).PartOfChunk(500, "data: {").Reset() : new Script().Head(200, "application/json", BodyFraming.Chunked).PartOfChunk(500, "{").Reset(),
        isStreaming => isStreaming ? Script.Sse(OpenAiReplies.RoleChunk(), ErrorChunk) : Script.Whole(200, "application/json", [0xC3, 0x28]),
    ];

    /// <summary>What a provider does in the middle of a stream.</summary>
    private static readonly Func<Script, Script>[] AfterContent =
    [
        script => script,
        script => script.Fin(),
        script => script.Reset(),
        script => script.PartOfChunk(500, "data: {\"id\"").Fin(),
        script => script.Text("data: {\"id\":\"cut").Reset(),
        script => script.Event(ErrorChunk),
        script => script.Event("error", """{"message":"overloaded"}"""),
        script => script.Event("oops"),
        script => script.Send("zz\r\n").Fin(),
    ];

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Faults_before_the_first_content_are_seen_by_nobody()
    {
        await using var stage = await StartAsync(FaultsBefore);
        stage.First.AlwaysAnswers(_ => Script.Chosen(request => BeforeContent[Draw(request, BeforeContent.Length)](IsStreaming(request))));
        stage.Second.AlwaysAnswers(_ => Script.Chosen(request => ProductionStage.Answer(IsStreaming(request))));
        var (serverErrors, cut, answered) = (0, 0, 0);

        await Parallel.ForAsync(0, FaultsBefore, new ParallelOptions { MaxDegreeOfParallelism = AtOnce, CancellationToken = Cancellation }, async (i, _) =>
        {
            var answer = await stage.AskAsync(Body(i, isStreaming: i % 2 == 0));
            Interlocked.Add(ref serverErrors, answer.Status >= 500 ? 1 : 0);
            Interlocked.Add(ref cut, answer.IsStream && !answer.IsDone ? 1 : 0);
            Interlocked.Add(ref answered, answer is { Status: 200, Text: "Well met" } && answer.Header("x-llm-provider") == "backup" ? 1 : 0);
        });

        var faults = stage.First.Requests.Select(request => request.Json().GetProperty("model").GetString()).Distinct().Count();
        Write($"faults before the first content: {faults} met, {answered} answered, {serverErrors} seen as 5xx, {cut} cut streams (seed {Seed})");
        Assert.Equal((FaultsBefore, FaultsBefore, 0, 0), (faults, answered, serverErrors, cut));
    }

    [Fact]
    public async Task Faults_after_the_first_content_end_with_one_error_event_and_no_DONE()
    {
        await using var stage = await StartAsync(FaultsAfter);
        stage.First.AlwaysAnswers(_ => Script.Chosen(request =>
            AfterContent[Draw(request, AfterContent.Length)](Script.Sse(OpenAiReplies.RoleChunk(), OpenAiReplies.ContentChunk("Hel"), OpenAiReplies.ContentChunk("lo")))));
        stage.Second.AlwaysAnswers(_ => ProductionStage.Answer(isStreaming: true));
        var (begun, oneError, done) = (0, 0, 0);

        await Parallel.ForAsync(0, FaultsAfter, new ParallelOptions { MaxDegreeOfParallelism = AtOnce, CancellationToken = Cancellation }, async (i, _) =>
        {
            var answer = await stage.AskAsync(Body(i, isStreaming: true));
            if (answer.Header("x-llm-provider") == "internal")
            {
                var errors = answer.Events.Count(one => one.Data.Contains("\"error\":{", StringComparison.Ordinal));
                Interlocked.Increment(ref begun);
                Interlocked.Add(ref oneError, errors == 1 && answer.ErrorCode == "upstream_stream_error" ? 1 : 0);
                Interlocked.Add(ref done, answer.IsDone ? 1 : 0);
            }
            else
            {
                // A reset can overtake what was sent before it: then nothing had reached the client, and another target answers.
                answer.AssertAnswered("Well met");
            }
        });

        Write($"faults after the first content: {FaultsAfter} met, {begun} after content had gone out, {oneError} ended with exactly one error event, {done} with [DONE] (seed {Seed})");
        Assert.Equal(FaultsAfter, stage.First.Requests.Count);
        Assert.True(begun > FaultsAfter / 2);
        Assert.Equal((begun, 0), (oneError, done));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Providers_see_the_close_soon_after_the_client_has_left(bool isHedged)
    {
        await using var stage = await ProductionStage.StartAsync(ProductionStage.Agents(defaults: isHedged ? "\"hedge_after_ms\": 1" : ""));
        stage.First.AlwaysAnswers(_ => isHedged ? Script.NeverAnswer() : Waiting(stage.First.Requests.Count));
        stage.Second.AlwaysAnswers(_ => Script.NeverAnswer());
        var times = new List<TimeSpan>();

        for (var i = 1; i <= Disconnects; i++)
        {
            using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            await LeavingClient.ConnectAsync(socket, stage);
            await LeavingClient.SendAsync(socket, stage, ProductionStage.Body(isStreaming: i % 3 != 0));
            RecordedRequest[] requests = isHedged
                ? [await stage.First.WaitForRequestAsync(i), await stage.Second.WaitForRequestAsync(i)]
                : [await stage.First.WaitForRequestAsync(i)];

            var left = Stopwatch.GetTimestamp();
            LeavingClient.Reset(socket);
            foreach (var request in requests)
            {
                times.Add(Stopwatch.GetElapsedTime(left, await request.WaitForPeerCloseAsync()));
            }
        }

        times.Sort();
        var (median, p99) = (times[times.Count / 2], times[(int)Math.Ceiling(times.Count * 0.99) - 1]);
        Write($"{Disconnects} clients left{(isHedged ? " hedged requests" : "")}: {times.Count} provider calls closed, median {median.TotalMilliseconds:0.0} ms, p99 {p99.TotalMilliseconds:0.0} ms, most {times[^1].TotalMilliseconds:0.0} ms");
        Assert.Equal(isHedged ? 2 * Disconnects : Disconnects, times.Count);
        Assert.InRange(p99, TimeSpan.Zero, LatestClose);
    }

    /// <summary>By turns silent from the start and silent in the middle.</summary>
    private static Script Waiting(int number) => number % 2 == 0 ? Script.NeverAnswer() : Script.Sse(OpenAiReplies.RoleChunk(), OpenAiReplies.ContentChunk("one")).Stall();

    /// <summary>A model for each request: so each target fails once, and none is left out for what another one did.</summary>
    private static Task<ProductionStage> StartAsync(int models) => ProductionStage.StartAsync(configure: stage => stage.Gateway.WithSettings(ProductionStage.Settings(
        stage.Second.BaseUrl,
        $"  internal: {{ models: [{string.Join(", ", Enumerable.Range(0, models).Select(ModelOf))}] }}")));

    private static string ModelOf(int number) => "m" + number.ToString(CultureInfo.InvariantCulture);

    private static string Body(int number, bool isStreaming) => ProductionStage.Body(isStreaming, model: "internal/" + ModelOf(number));

    private static bool IsStreaming(RecordedRequest request) => request.Json().TryGetProperty("stream", out var stream) && stream.GetBoolean();

    private static int Draw(RecordedRequest request, int count) =>
        new Random(Seed + int.Parse(request.Json().GetProperty("model").GetString()![1..], CultureInfo.InvariantCulture)).Next(count);

    private void Write(FormattableString figures) => output.WriteLine(figures.ToString(CultureInfo.InvariantCulture));
}
