using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using LlmGateway.FunctionalTests.Infrastructure;

namespace LlmGateway.FunctionalTests;

/// <summary>Mixed load with faults of the provider and clients that leave: the ledger agrees with what the providers saw, call by call.</summary>
public sealed class LedgerSoakTests(ITestOutputHelper output)
{
    private const int Seed = 20261121;
    private const int MostRequests = 6_000;
    private const int Clients = 12;

    private static readonly TimeSpan Length = TimeSpan.FromSeconds(12);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Every_call_has_one_record_that_says_what_it_was()
    {
        await using var stage = await ProductionStage.StartAsync();
        stage.First.AlwaysAnswers(_ => Script.Chosen(Faulty)).Always("POST /v1/embeddings", _ => Script.Chosen(Faulty));
        stage.Second.AlwaysAnswers(_ => Script.Chosen(Healthy)).Always("POST /v1/embeddings", _ => Script.Chosen(Healthy));
        var outcomes = new ConcurrentDictionary<string, Outcome>(StringComparer.Ordinal);
        var start = Stopwatch.GetTimestamp();
        var next = 0;
        await Task.WhenAll(Enumerable.Range(0, Clients).Select(async _ =>
        {
            while (Stopwatch.GetElapsedTime(start) < Length && Interlocked.Increment(ref next) is <= MostRequests and var number)
            {
                outcomes[Id(number)] = await AskAsync(stage, number);
            }
        }));

        var calls = stage.First.Requests.Select(request => (Provider: "internal", Id: IdOf(request))).Concat(stage.Second.Requests.Select(request => (Provider: "backup", Id: IdOf(request)))).ToLookup(call => call.Id, call => call.Provider);
        await stage.Gateway.WaitForMetricsAsync(page => page.Sum("llm_gateway_requests_in_flight", ("endpoint", ProductionStage.Path)) == 0, "all requests to end");
        var rows = await stage.Ledger.WaitForAsync("SELECT * FROM request_records", rows => rows.Count >= calls.Count && rows.Select(row => (string)row["request_id"]!).ToHashSet(StringComparer.Ordinal).IsSupersetOf(calls.Select(call => call.Key)));
        var attempts = stage.Ledger.Query("SELECT r.request_id, a.provider, a.outcome, a.source, a.input_tokens FROM attempt_records a JOIN request_records r ON r.id = a.record_id")
            .ToLookup(row => (string)row["request_id"]!);

        Assert.Equal(rows.Count, rows.Select(row => row["request_id"]).Distinct().Count());
        foreach (var (id, outcome) in outcomes.Where(asked => asked.Value != Outcome.Left))
        {
            Assert.Equal((id, string.Join(',', calls[id].Order(StringComparer.Ordinal))), (id, string.Join(',', attempts[id].Select(attempt => (string)attempt["provider"]!).Order(StringComparer.Ordinal))));
            if (outcome == Outcome.Answered)
            {
                var answer = Assert.Single(attempts[id], attempt => (string)attempt["outcome"]! == "success");
                Assert.Equal((id, "provider", PromptTokens(id)), (id, answer["source"], answer["input_tokens"]));
            }
        }

        // Who left may have done so before the provider had the call: then it is noted, and was not made.
        Assert.All(outcomes.Where(asked => asked.Value == Outcome.Left), asked => Assert.True(attempts[asked.Key].Count() >= calls[asked.Key].Count()));
        var (answered, broken, left, failed) = (Count(Outcome.Answered), Count(Outcome.Broken), Count(Outcome.Left), Count(Outcome.Failed));
        var faults = attempts.Sum(of => of.Count(attempt => (string)attempt["outcome"]! is not ("success" or "cancelled")));
        Assert.Equal(0, failed);
        Assert.True(faults > 10 && left > 10 && broken > 0 && answered > 500, $"{faults} {left} {broken} {answered}");
        Assert.Equal(0, (await stage.Gateway.MetricsAsync()).Sum("llm_gateway_usage_records_total", ("result", "lost")));
        output.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"Q1/Q2 (seed {Seed}): {outcomes.Count} requests in {Stopwatch.GetElapsedTime(start).TotalSeconds:F1} s, {calls.Sum(of => of.Count())} provider calls, {faults} faulty; {answered} answered, {broken} streams ended with an error, {left} clients left; {rows.Count} records: 0 lost, 0 doubled, 0 without an end"));

        int Count(Outcome which) => outcomes.Count(asked => asked.Value == which);
    }

    private enum Outcome
    {
        Answered,

        /// <summary>The stream ended with an error after its first token.</summary>
        Broken,

        /// <summary>The client left before the end.</summary>
        Left,

        /// <summary>The client got an error although a healthy provider was there.</summary>
        Failed,
    }

    private static async Task<Outcome> AskAsync(ProductionStage stage, int number)
    {
        var (id, random) = (Id(number), new Random(Seed + number));
        var (kind, leaves) = (random.Next(3), random.Next(20) == 0);
        using var leaving = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        if (leaves)
        {
            leaving.CancelAfter(TimeSpan.FromMilliseconds(random.Next(1, 8)));
        }

        var (path, body) = kind == 2 ? ("/v1/embeddings", $$"""{"model":"m","input":"{{id}}"}""") : (ProductionStage.Path, ProductionStage.Body(kind == 0, id));
        try
        {
            using var request = stage.Gateway.Post(path, body, ("Authorization", "Bearer " + stage.ClientKey), ("X-Request-Id", id));
            using var response = await stage.Gateway.Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, leaving.Token);
            var text = await response.Content.ReadAsStringAsync(leaving.Token);
            return (int)response.StatusCode != 200 ? Outcome.Failed
                : kind != 0 || text.EndsWith("data: [DONE]\n\n", StringComparison.Ordinal) ? Outcome.Answered
                : Outcome.Broken;
        }
        catch (Exception exception) when (leaves && exception is OperationCanceledException or HttpRequestException or IOException)
        {
            return Outcome.Left;
        }
    }

    /// <summary>
    /// One call in ten goes wrong, in one of the ways that providers know; which ones follows from the seed. None breaks off before the first
    /// byte of an answer: that may be an idle connection's end, after which the same call is sent again.
    /// </summary>
    private static Script Faulty(RecordedRequest request)
    {
        var random = new Random(Seed ^ (int)PromptTokens(IdOf(request)));
        if (random.Next(10) != 0)
        {
            return Healthy(request);
        }

        return random.Next(6) switch
        {
            0 => Script.Json(OpenAiReplies.Error("down"), 500),
            1 => Script.Json(OpenAiReplies.Error("busy"), 503),
            2 => new Script().Head(200, "application/json", BodyFraming.Chunked).Text("{\"id\":").Reset(),
            3 => Script.Whole(200, "text/html", "<html>"u8.ToArray()),
            4 => Script.Json("{", 200),
            _ when IsStreaming(request) => Script.Sse(OpenAiReplies.RoleChunk(), OpenAiReplies.ContentChunk("one ")).Reset(),
            _ => new Script().Head(200, "application/json", BodyFraming.Chunked).Text("{\"id\":").Fin(),
        };
    }

    private static Script Healthy(RecordedRequest request)
    {
        var tokens = (int)PromptTokens(IdOf(request));
        return request.Path.EndsWith("/embeddings", StringComparison.Ordinal)
            ? Script.Json($$$"""{"object":"list","model":"m","data":[{"object":"embedding","index":0,"embedding":[0.5]}],"usage":{"prompt_tokens":{{{tokens}}},"total_tokens":{{{tokens}}}}}""")
            : IsStreaming(request)
                ? Script.Sse(OpenAiReplies.RoleChunk(), OpenAiReplies.ContentChunk("one "), OpenAiReplies.ContentChunk("two"), OpenAiReplies.FinishChunk(), OpenAiReplies.UsageChunk(tokens)).Done()
                : Script.Json(OpenAiReplies.Completion("done", tokens));
    }

    private static bool IsStreaming(RecordedRequest request) => request.Json().TryGetProperty("stream", out var isStreaming) && isStreaming.GetBoolean();

    private static string Id(int number) => string.Create(CultureInfo.InvariantCulture, $"soak-{number:00000}");

    private static long PromptTokens(string id) => 1 + int.Parse(id.AsSpan("soak-".Length), CultureInfo.InvariantCulture);

    private static string IdOf(RecordedRequest request)
    {
        var json = request.Json();
        return json.TryGetProperty("input", out var input) ? (input.ValueKind == System.Text.Json.JsonValueKind.Array ? input[0] : input).GetString()! : json.GetProperty("messages")[0].GetProperty("content").GetString()!;
    }
}
