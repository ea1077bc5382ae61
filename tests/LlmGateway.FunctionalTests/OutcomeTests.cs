using System.Globalization;
using LlmGateway.FunctionalTests.Infrastructure;

namespace LlmGateway.FunctionalTests;

/// <summary>What the client is told when nothing answered, and what it is never told.</summary>
public sealed class OutcomeTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task All_limits_answer_429_with_the_smallest_wait(bool isStreaming)
    {
        await using var stage = await ProductionStage.StartAsync();
        stage.First.Answers(Script.Json("{}", 429, ("retry-after", "30")));
        stage.Second.Answers(Script.Json("{}", 429, ("retry-after", "7")));

        var answer = await stage.AskAsync(isStreaming);

        answer.AssertError(429, "upstream_rate_limited");
        Assert.Equal("rate_limit_error", answer.Error.GetProperty("type").GetString());
        Assert.Equal(("7", null, "2"), (answer.Header("retry-after"), answer.Header("x-should-retry"), answer.Header("x-llm-attempts")));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task All_missing_models_answer_404(bool isStreaming)
    {
        await using var stage = await ProductionStage.StartAsync();
        stage.First.Answers(Script.Json(OpenAiReplies.Error("no such model", "invalid_request_error", "model_not_found"), 404));
        stage.Second.Answers(Script.Json("404 page not found", 404));

        var answer = await stage.AskAsync(isStreaming);

        answer.AssertError(404, "model_not_found");
        Assert.Equal(("model", "false"), (answer.Error.GetProperty("param").GetString(), answer.Header("x-should-retry")));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task All_time_outs_answer_504(bool isStreaming)
    {
        await using var stage = await ProductionStage.StartAsync(ProductionStage.Agents(defaults: "\"timeout\": 0.3"));
        stage.First.Answers(Script.NeverAnswer());
        stage.Second.Answers(Script.Json("{}", 408));

        var answer = await stage.AskAsync(isStreaming);

        answer.AssertError(504, "upstream_timeout");
        Assert.Equal(("timeout_error", "false", "2"), (answer.Error.GetProperty("type").GetString(), answer.Header("x-should-retry"), answer.Header("x-llm-attempts")));
        await stage.First.Requests[0].WaitForPeerCloseAsync();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Different_failures_answer_502_and_list_each_attempt(bool isStreaming)
    {
        await using var stage = await ProductionStage.StartAsync();
        stage.First.Answers(Script.Json(OpenAiReplies.Error("internal detail of a stack trace"), 500));
        stage.Second.Answers(Script.Json(OpenAiReplies.Error("wrong key"), 401));

        var answer = await stage.AskAsync(isStreaming);

        answer.AssertError(502, "all_providers_failed");
        Assert.Equal("api_error", answer.Error.GetProperty("type").GetString());
        Assert.Equal("All providers failed: internal/internal-model: server_error (status 500); backup/backup-model: auth (status 401).", answer.ErrorMessage);
        Assert.Equal(("false", null), (answer.Header("x-should-retry"), answer.Header("retry-after")));
    }

    [Theory]
    [InlineData(false, "context_length_exceeded")]
    [InlineData(true, "context_length_exceeded")]
    [InlineData(false, "content_filter")]
    [InlineData(true, "content_filter")]
    public async Task A_refused_prompt_among_the_failures_answers_that_providers_400(bool isStreaming, string code)
    {
        await using var stage = await ProductionStage.StartAsync();
        stage.First.Answers(Script.Json(OpenAiReplies.Error("Make it shorter, says the model", "invalid_request_error", code), 400));
        stage.Second.Answers(Script.Json("{}", 500));

        var answer = await stage.AskAsync(isStreaming);

        answer.AssertError(400, code);
        Assert.Equal("Make it shorter, says the model", answer.ErrorMessage);
        Assert.Equal("2", answer.Header("x-llm-attempts"));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Without_any_key_502_names_the_variables(bool isStreaming)
    {
        await using var stage = await ProductionStage.StartAsync(ProductionStage.Agents(
            fallback: """{ "provider": "anthropic", "model_name": "claude", "api_key_env": "SECOND_KEY" }""",
            agents: """ "paid": { "provider": "openai", "model_name": "gpt-5", "api_key_env": "FIRST_KEY" }"""));

        var answer = await stage.AskAsync(ProductionStage.Body(isStreaming), ("X-Agent-Profile", "paid"));

        answer.AssertError(502, "all_providers_failed");
        Assert.Contains("FIRST_KEY", answer.ErrorMessage, StringComparison.Ordinal);
        Assert.Contains("OPENAI_API_KEY", answer.ErrorMessage, StringComparison.Ordinal);
        Assert.Equal(("0", "missing_api_key"), (answer.Header("x-llm-attempts"), answer.Header("x-llm-fallback-reason")));
        Assert.Null(answer.Header("x-llm-provider"));
    }

    public static TheoryData<string, string, string> Waits() => new()
    {
        { "retry-after", "12", "12" },
        { "retry-after", "0", "1" },
        { "retry-after", "86400", "60" },
        { "retry-after", "99999999999999999999", "60" },
        { "retry-after", "-5", "1" },
        { "retry-after", "soon", "1" },
        { "retry-after", "1.2", "2" },
        { "retry-after", "Fri, 01 Jan 2100 00:00:00 GMT", "60" },
        { "retry-after", "Sun, 06 Nov 1994 08:49:37 GMT", "1" },
        { "retry-after-ms", "2500", "3" },
        { "retry-after-ms", "NaN", "1" },
        { "retry-after-ms", "1e300", "60" },
        { "retry-after-ms", "-1", "1" },
    };

    // "NaN" milliseconds and seconds beyond an int used to be a crash and to be forgotten.
    [Theory]
    [MemberData(nameof(Waits))]
    public async Task A_providers_wait_is_passed_on_within_bounds(string header, string value, string expected)
    {
        await using var stage = await ProductionStage.StartAloneAsync();
        stage.First.Answers(Script.Json("{}", 429, (header, value)));

        var answer = await stage.AskAsync(isStreaming: false);

        answer.AssertError(429, "upstream_rate_limited");
        Assert.Equal(expected, answer.Header("retry-after"));
    }

    [Fact]
    public async Task A_wait_until_a_date_is_counted_from_now()
    {
        await using var stage = await ProductionStage.StartAloneAsync();
        stage.First.Answers(Script.Json("{}", 429, ("retry-after", DateTimeOffset.UtcNow.AddSeconds(30).ToString("R", CultureInfo.InvariantCulture))));

        var answer = await stage.AskAsync(isStreaming: true);

        answer.AssertError(429, "upstream_rate_limited");
        Assert.InRange(int.Parse(answer.Header("retry-after")!, CultureInfo.InvariantCulture), 20, 30);
    }

    [Theory]
    [InlineData(false, "message")]
    [InlineData(true, "message")]
    [InlineData(false, "code")]
    [InlineData(false, "type")]
    [InlineData(true, "param")]
    [InlineData(false, "long message")]
    public async Task A_key_in_a_providers_error_never_reaches_the_client(bool isStreaming, string place)
    {
        await using var stage = await ProductionStage.StartAloneAsync();
        var key = stage.FirstKey;
        var texts = new Dictionary<string, string> { ["message"] = "refused", ["code"] = "bad", ["type"] = "invalid_request_error", ["param"] = "model" };
        texts[place == "long message" ? "message" : place] = place == "long message" ? new string('x', 1985) + key + "😀😀" : $"{key} at {stage.First.BaseUrl}";
        stage.First.Answers(Script.Json(System.Text.Json.JsonSerializer.Serialize(new { error = texts }), 400));

        var answer = await stage.AskAsync(isStreaming);

        Assert.Equal(400, answer.Status);
        Assert.DoesNotContain(key[..18], answer.Everything, StringComparison.Ordinal);
        Assert.DoesNotContain(stage.First.BaseUrl, answer.Everything, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(false, 400)]
    [InlineData(true, 400)]
    [InlineData(false, 500)]
    [InlineData(true, 500)]
    public async Task Of_a_huge_error_only_the_beginning_is_read(bool isStreaming, int status)
    {
        const long Huge = 64L * 1024 * 1024;
        await using var stage = await ProductionStage.StartAloneAsync();
        stage.First.Answers(new Script().Head(status, "application/json", BodyFraming.Chunked).Fill(Huge));

        var answer = await stage.AskAsync(isStreaming);

        Assert.Equal(status == 400 ? 400 : 502, answer.Status);
        Assert.True(answer.Body.Length < 4096);
        await stage.First.Requests[0].WaitForPeerCloseAsync();
        Assert.InRange(stage.First.Requests[0].Tally.BytesSent, 64 * 1024, Huge / 2);
        await stage.AssertNothingLeaksAsync(isStreaming);
    }

    [Theory]
    [InlineData(false, "text/html", "<html><body>Bad gateway at 10.0.0.7</body></html>")]
    [InlineData(true, "text/html", "<html><body>Bad gateway at 10.0.0.7</body></html>")]
    [InlineData(false, "application/json", "\u001f\u008b\u0008garbage")]
    [InlineData(true, "application/json", "[[[[[[[[[[[[")]
    [InlineData(false, "application/json", "")]
    [InlineData(true, "application/json", """{"error":{"message":"\ud800","type":7,"param":{},"code":[]}}""")]
    [InlineData(false, "application/json", "\"a bare string\"")]
    [InlineData(false, "application/json", """{"error":"a plain string"}""")]
    [InlineData(false, "application/json", """{"detail":[{"loc":["body"],"msg":"field required"}]}""")]
    public async Task An_error_that_is_no_error_object_gets_the_gateways_shape(bool isStreaming, string type, string body)
    {
        await using var stage = await ProductionStage.StartAloneAsync();
        var bytes = System.Text.Encoding.Latin1.GetBytes(body);
        stage.First.Answers(Script.Whole(400, type, bytes), Script.Whole(502, type, bytes));

        var refused = await stage.AskAsync(isStreaming);
        var failed = await stage.AskAsync(isStreaming);

        Assert.Equal((400, 502), (refused.Status, failed.Status));
        Assert.NotEmpty(refused.ErrorMessage);
        Assert.DoesNotContain("10.0.0.7", refused.Body + failed.Body, StringComparison.Ordinal);
        await stage.AssertNothingLeaksAsync(isStreaming);
    }
}
