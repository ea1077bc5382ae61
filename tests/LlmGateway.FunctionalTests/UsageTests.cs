using System.Globalization;
using LlmGateway.FunctionalTests.Infrastructure;

namespace LlmGateway.FunctionalTests;

/// <summary>What a request leaves behind: its record, one for each attempt, tokens, costs, and the same in the metrics.</summary>
public sealed class UsageTests
{
    private const string Priced = """
        internal:
            models: { internal-model: { input_cost_per_1m: 2.5, output_cost_per_1m: 10, cached_input_cost_per_1m: 0.5 } }
        """;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task An_answer_is_recorded_with_its_tokens_and_its_cost(bool isStreaming)
    {
        const string Usage = """{"prompt_tokens":1000,"completion_tokens":200,"total_tokens":1200,"prompt_tokens_details":{"cached_tokens":400},"completion_tokens_details":{"reasoning_tokens":50}}""";
        await using var stage = await StartPricedAsync();
        stage.First.Answers(isStreaming
            ? Script.Sse(OpenAiReplies.RoleChunk(), OpenAiReplies.ContentChunk("Hi"), OpenAiReplies.FinishChunk(), OpenAiReplies.UsageChunk().Replace("{" + OpenAiReplies.Usage(9, 2)[1..^1] + "}", Usage, StringComparison.Ordinal)).Done()
            : Script.Json(OpenAiReplies.Completion("Hi").Replace(OpenAiReplies.Usage(9, 2), Usage, StringComparison.Ordinal)));

        var answer = await stage.AskAsync(isStreaming, ("X-Request-Id", "my-id"), ("X-User-Id", "u-7"));

        answer.AssertAnswered("Hi");
        var record = Assert.Single(await stage.Ledger.WaitForRequestsAsync(1));
        Assert.Equal(("my-id", "test", "u-7", "default", "single"), (record["request_id"], record["key_name"], record["user_id"], record["agent"], record["strategy"]));
        Assert.Equal((ProductionStage.Path, 200L, isStreaming ? 1L : 0L, "internal", "internal-model"), (record["endpoint"], record["status"], record["streaming"], record["provider"], record["model"]));
        Assert.Equal((1000L, 200L, 400L, 50L), (record["input_tokens"], record["output_tokens"], record["cached_input_tokens"], record["reasoning_tokens"]));

        // 600 at 2.5, 400 at 0.5 and 200 at 10 dollars a million.
        Assert.Equal((3700L, 0L, 0L, null), (record["cost_micro_usd"], record["unpriced"], record["estimated"], record["fallback_reason"]));
        Assert.Equal(isStreaming, record["time_to_first_token_us"] is long and > 0);
        Assert.True((long)record["duration_us"]! > 0);
        var attempt = Assert.Single(stage.Ledger.Attempts(record));
        Assert.Equal(("success", "answer", "provider", 200L, 3700L), (attempt["outcome"], attempt["role"], attempt["source"], attempt["status"], attempt["cost_micro_usd"]));

        var page = await stage.Gateway.MetricsAsync();
        (string, string)[] target = [("agent", "default"), ("provider", "internal"), ("model", "internal-model")];
        Assert.Equal(1000, page.Value("llm_gateway_tokens_total", [.. target, ("type", "input")]));
        Assert.Equal(200, page.Value("llm_gateway_tokens_total", [.. target, ("type", "output")]));
        Assert.Equal(400, page.Value("llm_gateway_tokens_total", [.. target, ("type", "cached_input")]));
        Assert.Equal(50, page.Value("llm_gateway_tokens_total", [.. target, ("type", "reasoning")]));
        Assert.Equal(0.0037, page.Value("llm_gateway_cost_usd_total", target)!.Value, 9);
        Assert.Equal(isStreaming ? 1 : 0, page.Sum("llm_gateway_time_to_first_token_seconds_count", target));
        Assert.Equal(1, page.Sum("llm_gateway_request_duration_seconds_count", target));
        Assert.Equal(1, page.Sum("llm_gateway_overhead_seconds_count", ("endpoint", ProductionStage.Path)));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_chain_of_three_leaves_one_record_with_three_attempts(bool isStreaming)
    {
        await using var stage = await ProductionStage.StartAsync(ProductionStage.Agents(
            fallback: """{ "provider": "backup", "model_name": "b1" }, { "provider": "backup", "model_name": "b2" }"""));
        stage.First.Answers(Script.Json("{}", 500));
        stage.Second.Answers(Script.Json("{}", 429), ProductionStage.Answer(isStreaming));

        (await stage.AskAsync(isStreaming)).AssertAnswered("Well met");

        var record = Assert.Single(await stage.Ledger.WaitForRequestsAsync(1));
        Assert.Equal((200L, "backup", "b2", "server_error", 1L), (record["status"], record["provider"], record["model"], record["fallback_reason"], record["unpriced"]));
        var attempts = stage.Ledger.Attempts(record);
        Assert.Equal(["server_error", "rate_limit", "success"], attempts.Select(attempt => attempt["outcome"]));
        Assert.Equal([500L, 429L, 200L], attempts.Select(attempt => attempt["status"]));
        Assert.Equal(["none", "none", "provider"], attempts.Select(attempt => attempt["source"]));
        Assert.Equal((long)record["input_tokens"]!, attempts.Sum(attempt => (long)attempt["input_tokens"]!));
        Assert.Equal((long)record["output_tokens"]!, attempts.Sum(attempt => (long)attempt["output_tokens"]!));
        var page = await stage.Gateway.MetricsAsync();
        Assert.Equal(1, page.Sum("llm_gateway_fallbacks_total", ("agent", "default"), ("from_provider", "internal"), ("to_provider", "backup"), ("reason", "server_error")));
        Assert.Equal(1, page.Sum("llm_gateway_fallbacks_total", ("from_provider", "backup"), ("to_provider", "backup"), ("reason", "rate_limit")));
        Assert.Equal(1, page.Sum("llm_gateway_attempts_total", ("provider", "internal"), ("outcome", "server_error")));
        Assert.Equal(1, page.Sum("llm_gateway_attempts_total", ("provider", "backup"), ("outcome", "rate_limit")));
        Assert.Equal(1, page.Sum("llm_gateway_attempts_total", ("provider", "backup"), ("outcome", "success")));
        Assert.Equal(1, page.Sum("llm_gateway_requests_total", ("provider", "backup"), ("model", "b2"), ("status", "200")));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_request_that_nobody_answered_costs_nothing_and_is_recorded(bool isStreaming)
    {
        await using var stage = await ProductionStage.StartAsync();
        stage.First.Answers(Script.Json("{}", 500));
        stage.Second.Answers(Script.Json("{}", 503));

        (await stage.AskAsync(isStreaming)).AssertError(502, "all_providers_failed");

        var record = Assert.Single(await stage.Ledger.WaitForRequestsAsync(1));
        Assert.Equal((502L, 0L, 0L, 0L, "server_error"), (record["status"], record["input_tokens"], record["output_tokens"], record["cost_micro_usd"], record["fallback_reason"]));
        Assert.Equal(2, stage.Ledger.Attempts(record).Count);
        var page = await stage.Gateway.MetricsAsync();
        Assert.Equal((0, 2, 1), (page.Sum("llm_gateway_tokens_total"), page.Sum("llm_gateway_attempts_total"), page.Sum("llm_gateway_requests_total", ("status", "502"))));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_timed_out_call_has_cost_its_prompt(bool isStreaming)
    {
        await using var stage = await StartPricedAsync("\"timeout\": 0.3");
        stage.First.Answers(Script.NeverAnswer());

        (await stage.AskAsync(isStreaming)).AssertError(504, "upstream_timeout");

        var record = Assert.Single(await stage.Ledger.WaitForRequestsAsync(1));
        Assert.Equal((504L, "timeout", "estimated", 1L), (record["status"], record["attempt_outcome"], record["attempt_source"], record["estimated"]));
        Assert.True((long)record["input_tokens"]! > 0);
        Assert.True((long)record["cost_micro_usd"]! > 0);
    }

    [Fact]
    public async Task A_cut_stream_is_estimated_from_what_was_seen()
    {
        await using var stage = await StartPricedAsync();
        var gate = new Gate();
        stage.First.Answers(Script.Sse(OpenAiReplies.RoleChunk(), OpenAiReplies.ContentChunk("one "), OpenAiReplies.ContentChunk("two "), OpenAiReplies.ContentChunk("three")).WaitFor(gate).Reset());

        using var response = await stage.OpenAsync(ProductionStage.Body(isStreaming: true));
        gate.Release();
        (await ChatAnswer.ReadAsync(response)).AssertBroken("one two three");

        var record = Assert.Single(await stage.Ledger.WaitForRequestsAsync(1));
        Assert.Equal((200L, "connection", "estimated", 3L), (record["status"], record["attempt_outcome"], record["attempt_source"], record["output_tokens"]));
        Assert.True((long)record["input_tokens"]! > 0);
        Assert.True((long)record["cost_micro_usd"]! >= 30);
    }

    [Theory]
    [InlineData("""{"prompt_tokens":-1,"completion_tokens":2,"total_tokens":1}""")]
    [InlineData("""{"prompt_tokens":1e18,"completion_tokens":2,"total_tokens":1}""")]
    [InlineData("""{"prompt_tokens":"9","completion_tokens":2,"total_tokens":1}""")]
    [InlineData("""{"prompt_tokens":0,"completion_tokens":0,"total_tokens":0}""")]
    [InlineData("""{"prompt_tokens":999999999999,"completion_tokens":2,"total_tokens":1}""")]
    [InlineData("{}")]
    [InlineData("null")]
    public async Task Usage_that_cannot_be_true_is_replaced_by_an_estimate(string usage)
    {
        await using var stage = await StartPricedAsync();
        stage.First.Answers(
            Script.Sse(OpenAiReplies.RoleChunk(), OpenAiReplies.ContentChunk("Hello"), OpenAiReplies.FinishChunk()[..^1] + ",\"usage\":" + usage + "}").Done(),
            Script.Json("""{"id":"c","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"Hello","refusal":null},"logprobs":null,"finish_reason":"stop"}]}"""
                [..^1] + ",\"usage\":" + usage + "}"));

        (await stage.AskAsync(isStreaming: true)).AssertAnswered("Hello");
        using var whole = await stage.OpenAsync(ProductionStage.Body(isStreaming: false));
        Assert.Equal(200, (int)whole.StatusCode);

        foreach (var record in await stage.Ledger.WaitForRequestsAsync(2))
        {
            Assert.Equal(("success", "estimated", 1L), (record["attempt_outcome"], record["attempt_source"], record["estimated"]));
            Assert.InRange((long)record["input_tokens"]!, 1, 100);
            Assert.InRange((long)record["output_tokens"]!, 1, 10);
            Assert.InRange((long)record["cost_micro_usd"]!, 1, 1000);
        }
    }

    [Fact]
    public async Task Usage_told_twice_counts_once_and_the_last_word_holds()
    {
        await using var stage = await StartPricedAsync();
        stage.First.Answers(Script.Sse(
            OpenAiReplies.ContentChunk("Hi")[..^1] + ",\"usage\":{" + "\"prompt_tokens\":9,\"completion_tokens\":1,\"total_tokens\":10}}",
            OpenAiReplies.FinishChunk(), OpenAiReplies.UsageChunk(9, 2), OpenAiReplies.UsageChunk(9, 5)).Done());

        (await stage.AskAsync(isStreaming: true)).AssertAnswered("Hi");

        var record = Assert.Single(await stage.Ledger.WaitForRequestsAsync(1));
        Assert.Equal((9L, 5L, "provider"), (record["input_tokens"], record["output_tokens"], record["attempt_source"]));
    }

    [Fact]
    public async Task A_hundred_requests_with_one_id_leave_a_hundred_records()
    {
        await using var stage = await StartPricedAsync();
        stage.First.AlwaysAnswers(_ => ProductionStage.Answer(isStreaming: false));

        await Task.WhenAll(Enumerable.Range(0, 100).Select(_ => stage.AskAsync(isStreaming: false, ("X-Request-Id", "the-same"))));

        var records = await stage.Ledger.WaitForRequestsAsync(100);
        Assert.All(records, record => Assert.Equal(("the-same", 9L, 2L), (record["request_id"], record["input_tokens"], record["output_tokens"])));
        Assert.Equal(100, records.Select(record => Convert.ToHexString((byte[])record["id"]!)).Distinct().Count());
        var page = await stage.Gateway.MetricsAsync();
        Assert.Equal((900, 200), (page.Sum("llm_gateway_tokens_total", ("type", "input")), page.Sum("llm_gateway_tokens_total", ("type", "output"))));
    }

    // Its record has an empty text in it, which was bound as NULL and then silently ignored.
    [Fact]
    public async Task A_refused_request_leaves_a_record_without_an_attempt()
    {
        await using var stage = await StartPricedAsync();

        (await stage.AskAsync("""{"messages":[]}""")).AssertError(400, "invalid_request");

        var record = Assert.Single(await stage.Ledger.WaitForRequestsAsync(1));
        Assert.Equal((400L, null, 0L), (record["status"], record["provider"], record["input_tokens"]));
        Assert.Empty(stage.Ledger.Attempts(record));
    }

    [Fact]
    public async Task Requests_in_flight_are_counted_while_they_last()
    {
        await using var stage = await StartPricedAsync();
        var gate = new Gate();
        stage.First.Answers(Script.Sse(OpenAiReplies.ContentChunk("one")).WaitFor(gate).Event(OpenAiReplies.FinishChunk()).Done());

        using var response = await stage.OpenAsync(ProductionStage.Body(isStreaming: true));
        Assert.Equal(1, (await stage.Gateway.MetricsAsync()).Value("llm_gateway_requests_in_flight", ("endpoint", ProductionStage.Path)));
        gate.Release();
        (await ChatAnswer.ReadAsync(response)).AssertAnswered("one");

        await stage.Gateway.WaitForMetricsAsync(page => page.Value("llm_gateway_requests_in_flight", ("endpoint", ProductionStage.Path)) == 0, "no request in flight");
    }

    [Fact]
    public async Task Ledger_agrees_with_what_the_provider_gave_out()
    {
        const int Requests = 300;
        await using var stage = await StartPricedAsync();
        long input = 0, output = 0;
        var number = 0;
        stage.First.AlwaysAnswers(_ =>
        {
            var i = Interlocked.Increment(ref number);
            Interlocked.Add(ref input, i);
            Interlocked.Add(ref output, i % 7);
            return Script.Sse(OpenAiReplies.ContentChunk("x"), OpenAiReplies.FinishChunk(), OpenAiReplies.UsageChunk(i, i % 7)).Done();
        });

        await Parallel.ForAsync(0, Requests, new ParallelOptions { MaxDegreeOfParallelism = 16 }, async (_, _) => (await stage.AskAsync(isStreaming: true)).AssertAnswered("x"));

        await stage.Ledger.WaitForRequestsAsync(Requests);
        var sums = Assert.Single(stage.Ledger.Query("SELECT sum(input_tokens) AS input, sum(output_tokens) AS output, count(DISTINCT id) AS records FROM request_records"));
        Assert.Equal((input, output, (long)Requests), (sums["input"], sums["output"], sums["records"]));
        var page = await stage.Gateway.MetricsAsync();
        Assert.Equal(((double)input, (double)output), (page.Sum("llm_gateway_tokens_total", ("type", "input")), page.Sum("llm_gateway_tokens_total", ("type", "output"))));
        Assert.Equal(Requests, page.Sum("llm_gateway_attempts_total", ("outcome", "success")));
        await stage.Gateway.WaitForMetricsAsync(metrics => metrics.Sum("llm_gateway_usage_records_total", ("result", "written")) == Requests, string.Create(CultureInfo.InvariantCulture, $"{Requests} written records"));
    }

    private static Task<ProductionStage> StartPricedAsync(string defaults = "") => ProductionStage.StartAloneAsync(
        defaults, stage => stage.Gateway.WithSettings(ProductionStage.Settings(stage.Second.BaseUrl, "  " + Priced)));
}
