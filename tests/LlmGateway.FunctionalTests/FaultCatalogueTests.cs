using System.Globalization;
using System.Text;
using LlmGateway.FunctionalTests.Infrastructure;

namespace LlmGateway.FunctionalTests;

/// <summary>
/// What providers do wrong, where no other file shows it. The catalogue E01 to E29 (it has no E03, E10, E19, E20) is shown in:
/// E01 FallbackTests, DnsTests · E04, E12 FallbackTests, StreamFaultTests, CircuitTests · E02, E25 TimeoutTests · E05 OutcomeTests ·
/// E06 StreamFaultTests, TimeoutTests · E07 HeartbeatTests, Http2ProviderTests ·
/// E08, E09, E11, E13, E14 StreamFaultTests · E15, E16 GoldenTests, SseFramerTests · E17 UsageTests · E18, E21, E27 here · E22 StreamFaultTests ·
/// E23, E24 FailoverFigureTests, CircuitTests · E26 RetryTests, OutcomeTests · E28 DnsTests · E29 Http2ProviderTests · G06, M05 here.
/// </summary>
public sealed class FaultCatalogueTests
{
    // E18: many tiny events go through, each in order.
    [Fact]
    public async Task A_stream_of_very_many_tiny_events_arrives_whole()
    {
        const int Words = 20_000;
        await using var stage = await ProductionStage.StartAloneAsync();
        var events = new StringBuilder();
        for (var i = 0; i < Words; i++)
        {
            events.Append("data: ").Append(OpenAiReplies.ContentChunk("x")).Append("\n\n");
        }

        stage.First.Answers(Script.Sse(OpenAiReplies.RoleChunk()).Text(events.ToString()).Event(OpenAiReplies.FinishChunk()).Done());

        (await stage.AskAsync(isStreaming: true)).AssertAnswered(new string('x', Words));
    }

    // E21: lengths that contradict each other; whatever comes of it, nothing of it is in the next answer.
    [Theory]
    [InlineData("content-length: 20\r\ncontent-length: 700\r\n")]
    [InlineData("content-length: 20\r\ntransfer-encoding: chunked\r\n")]
    [InlineData("content-length: 100000\r\n")]
    [InlineData("content-length: 20\r\n")]
    [InlineData("content-length: -1\r\n")]
    [InlineData("content-length: nonsense\r\n")]
    public async Task A_length_that_is_not_true_never_shows_in_the_next_answer(string lengths)
    {
        await using var stage = await ProductionStage.StartAsync();
        stage.First.Answers(Script.Raw("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n" + lengths + "\r\n" + OpenAiReplies.Completion("smuggled")).Fin());
        stage.Second.Answers(ProductionStage.Answer(isStreaming: false));

        var answer = await stage.AskAsync(isStreaming: false);

        answer.AssertAnswered(answer.Header("x-llm-provider") == "backup" ? "Well met" : "smuggled");
        Assert.Single(stage.First.Requests);
        await stage.AssertNothingLeaksAsync(isStreaming: false);
    }

    // E27: of many open streams the provider stops serving some; the idle limit ends these, and the others go on.
    [Fact]
    public async Task Streams_that_stand_still_end_by_the_idle_limit_and_the_others_go_on()
    {
        const int Streams = 40;
        await using var stage = await ProductionStage.StartAloneAsync("\"timeout\": 1.5");
        var count = 0;
        stage.First.AlwaysAnswers(_ =>
        {
            var begun = Script.Sse(OpenAiReplies.RoleChunk(), OpenAiReplies.ContentChunk("Hello"));
            return Interlocked.Increment(ref count) % 2 == 0 ? begun.Stall() : begun.Event(OpenAiReplies.FinishChunk()).Done();
        });

        var answers = await Task.WhenAll(Enumerable.Range(0, Streams).Select(_ => stage.AskAsync(isStreaming: true)));

        Assert.Equal(Streams / 2, answers.Count(answer => answer.IsDone));
        Assert.All(answers.Where(answer => !answer.IsDone), answer => answer.AssertBroken("Hello"));
        Assert.All(answers.Where(answer => !answer.IsDone), answer => Assert.Contains("(timeout)", answer.ErrorMessage, StringComparison.Ordinal));
    }

    // M05: what is noted of failed attempts is bounded, however much the providers have to say.
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Three_failures_full_of_words_leave_little_behind(bool isStreaming)
    {
        const int Most = 4096;
        var text = new string('e', 50_000);
        await using var stage = await ProductionStage.StartAsync(
            ProductionStage.Agents(fallback: """{ "provider": "backup", "model_name": "one" }, { "provider": "backup", "model_name": "two" }, { "provider": "backup", "model_name": "three" }"""),
            stage => stage.Gateway.WithVariable("LLM_DEBUG", "false").WithSettings(
                $$"""
                providers:
                  backup: { type: openai, base_url: "{{stage.Second.BaseUrl}}", api_key: "${BACKUP_KEY}", models: [one, two, three] }
                """));
        stage.First.Answers(Script.Json(OpenAiReplies.Error(text), 500));
        stage.Second.Answers(Script.Json(OpenAiReplies.Error(text), 503), Script.Json(OpenAiReplies.Error(text), 500), ProductionStage.Answer(isStreaming));

        var answer = await stage.AskAsync(isStreaming);

        answer.AssertAnswered("Well met");
        Assert.Equal("4", answer.Header("x-llm-attempts"));
        var record = Assert.Single(await stage.Ledger.WaitForRequestsAsync(1));
        var attempts = stage.Ledger.Attempts(record);
        Assert.Equal(4, attempts.Count);
        var written = attempts.Append(record).Sum(row => row.Values.Sum(value => Convert.ToString(value, CultureInfo.InvariantCulture)!.Length));
        Assert.InRange(written, 100, Most);
        var id = answer.Header("x-request-id")!;
        Assert.InRange(stage.Gateway.Log.Lines.Select(line => line.ToString()).Where(line => line.Contains(id, StringComparison.Ordinal)).Sum(line => line.Length), 0, Most);
        Assert.InRange(answer.Everything.Length, 1, Most);
    }

    // G06: one request, one record for each attempt, and only what was billed is paid.
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_chain_of_three_leaves_one_request_and_three_attempts(bool lastAnswers)
    {
        await using var stage = await ProductionStage.StartAsync(
            ProductionStage.Agents(fallback: """{ "provider": "backup", "model_name": "one" }, { "provider": "backup", "model_name": "two" }"""),
            stage => stage.Gateway.WithSettings(
                $$"""
                providers:
                  backup: { type: openai, base_url: "{{stage.Second.BaseUrl}}", api_key: "${BACKUP_KEY}", models: { one: { input_cost_per_1m: 1000000, output_cost_per_1m: 1000000 }, two: { input_cost_per_1m: 1, output_cost_per_1m: 2 } } }
                """));
        stage.First.Answers(Script.Json("{}", 500));
        stage.Second.Answers(Script.Json("{}", 503), lastAnswers ? Script.Json(OpenAiReplies.Completion("Well met", 1000, 500)) : Script.Json("{}", 500));

        var answer = await stage.AskAsync(isStreaming: false);

        Assert.Equal(lastAnswers ? 200 : 502, answer.Status);
        var record = Assert.Single(await stage.Ledger.WaitForRequestsAsync(1));
        var attempts = stage.Ledger.Attempts(record);
        Assert.Equal(["server_error", "server_error", lastAnswers ? "success" : "server_error"], attempts.Select(attempt => (string)attempt["outcome"]! is "none" ? "success" : (string)attempt["outcome"]!));
        Assert.Equal(lastAnswers ? 2000L : 0L, Convert.ToInt64(record["cost_micro_usd"], CultureInfo.InvariantCulture));
    }
}
