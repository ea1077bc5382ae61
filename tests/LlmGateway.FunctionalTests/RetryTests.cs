using System.Diagnostics;
using LlmGateway.FunctionalTests.Infrastructure;

namespace LlmGateway.FunctionalTests;

/// <summary>The same target again: how often, after which wait, when not; and connections that die before anything was answered.</summary>
public sealed class RetryTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_target_is_tried_again_before_the_next_one(bool isStreaming)
    {
        await using var stage = await StageAsync("retry_attempts: 2");
        stage.First.Answers(Script.Json("{}", 500), Script.Json("{}", 502), ProductionStage.Answer(isStreaming));

        var answer = await stage.AskAsync(isStreaming);

        answer.AssertAnswered("Well met");
        Assert.Equal(("3", "internal", "server_error"), (answer.Header("x-llm-attempts"), answer.Header("x-llm-provider"), answer.Header("x-llm-fallback-reason")));
        Assert.Equal(3, stage.First.Requests.Count);
        Assert.Empty(stage.Second.Requests);
        var record = Assert.Single(await stage.Ledger.WaitForRequestsAsync(1));
        Assert.Equal(3, stage.Ledger.Attempts(record).Count);
    }

    [Fact]
    public async Task Each_try_is_listed_when_nothing_answers()
    {
        await using var stage = await StageAsync("retry_attempts: 1");
        stage.First.Answers(Script.Json("{}", 500), Script.Json("{}", 503));
        stage.Second.Answers(Script.Json("{}", 401));

        var answer = await stage.AskAsync(isStreaming: false);

        answer.AssertError(502, "all_providers_failed");
        Assert.Equal(
            "All providers failed: internal/internal-model: server_error (status 500); internal/internal-model: server_error (status 503); backup/backup-model: auth (status 401).",
            answer.ErrorMessage);
    }

    [Fact]
    public async Task An_attempt_is_left_for_the_next_target()
    {
        await using var stage = await StageAsync("retry_attempts: 5", stage => stage.Gateway.WithVariable("LLM_MAX_RETRIES", "2"));
        stage.First.Answers(Script.Json("{}", 500), Script.Json("{}", 500));
        stage.Second.Answers(ProductionStage.Answer(isStreaming: false));

        var answer = await stage.AskAsync(isStreaming: false);

        answer.AssertAnswered("Well met");
        Assert.Equal((2, 1), (stage.First.Requests.Count, stage.Second.Requests.Count));
    }

    [Theory]
    [InlineData("0", 1)]
    [InlineData("1", 2)]
    [InlineData("2", 3)]
    public async Task All_retries_together_are_bounded(string most, int requests)
    {
        await using var stage = await AloneAsync("retry_attempts: 9", stage => stage.Gateway.WithVariable("LLM_MAX_RETRIES", most));
        stage.First.AlwaysAnswers(_ => Script.Json("{}", 500));

        (await stage.AskAsync(isStreaming: false)).AssertError(502, "all_providers_failed");

        Assert.Equal(requests, stage.First.Requests.Count);
    }

    [Theory]
    [InlineData(429, "retry-after-ms", "400", 0.4)]
    [InlineData(429, "retry-after", "1", 1)]
    [InlineData(429, "retry-after", "2", 2)]
    [InlineData(503, "retry-after", "2", 2)]
    public async Task What_the_provider_asks_for_is_waited_for(int status, string header, string value, double seconds)
    {
        await using var stage = await AloneAsync("retry_attempts: 1");
        stage.First.Answers(Script.Json("{}", status, (header, value)), ProductionStage.Answer(isStreaming: false));

        var start = Stopwatch.GetTimestamp();
        (await stage.AskAsync(isStreaming: false)).AssertAnswered("Well met");

        Assert.InRange(Stopwatch.GetElapsedTime(start).TotalSeconds, seconds, seconds + 5);
    }

    [Theory]
    [InlineData(429, "rate_limit")]
    [InlineData(503, "server_error")]
    public async Task It_is_not_waited_for_while_another_target_is_left(int status, string reason)
    {
        await using var stage = await StageAsync("retry_attempts: 1");
        stage.First.Answers(Script.Json("{}", status, ("retry-after", "1")));
        stage.Second.Answers(ProductionStage.Answer(isStreaming: false));

        var answer = await stage.AskAsync(isStreaming: false);

        answer.AssertAnswered("Well met");
        Assert.Equal(("backup", reason), (answer.Header("x-llm-provider"), answer.Header("x-llm-fallback-reason")));
        Assert.Single(stage.First.Requests);
    }

    [Fact]
    public async Task A_longer_wait_is_left_to_the_client()
    {
        await using var stage = await AloneAsync("retry_attempts: 3");
        stage.First.Answers(Script.Json("{}", 429, ("retry-after", "9")));

        var answer = await stage.AskAsync(isStreaming: false);

        answer.AssertError(429, "upstream_rate_limited");
        Assert.Equal("9", answer.Header("retry-after"));
    }

    [Fact]
    public async Task Nothing_is_tried_again_after_the_first_token()
    {
        await using var stage = await StageAsync("retry_attempts: 3");
        stage.First.Answers(Script.Sse(OpenAiReplies.RoleChunk(), OpenAiReplies.ContentChunk("Hel")).Reset());

        (await stage.AskAsync(isStreaming: true)).AssertBroken("Hel");

        Assert.Single(stage.First.Requests);
        Assert.Empty(stage.Second.Requests);
    }

    [Theory]
    [InlineData(false, false)]
    [InlineData(true, false)]
    [InlineData(false, true)]
    [InlineData(true, true)]
    public async Task A_kept_open_connection_that_dies_costs_a_silent_resend(bool isStreaming, bool withReset)
    {
        await using var stage = await StageAsync();
        stage.First.Answers(ProductionStage.Answer(isStreaming), withReset ? new Script().Reset() : new Script().Fin(), ProductionStage.Answer(isStreaming, "again"));
        (await stage.AskAsync(isStreaming)).AssertAnswered("Well met");

        var answer = await stage.AskAsync(isStreaming);

        answer.AssertAnswered("again");
        Assert.Equal(("1", "internal", null), (answer.Header("x-llm-attempts"), answer.Header("x-llm-provider"), answer.Header("x-llm-fallback-reason")));
        Assert.Equal((3, 2), (stage.First.Requests.Count, stage.First.ConnectionCount));
        Assert.Equal(stage.First.Requests[1].Text, stage.First.Requests[2].Text);
        var records = await stage.Ledger.WaitForRequestsAsync(2);
        Assert.Single(stage.Ledger.Attempts(records[1]));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_new_connection_that_dies_is_a_failure(bool withReset)
    {
        await using var stage = await StageAsync();
        stage.First.Answers(withReset ? new Script().Reset() : new Script().Fin());
        stage.Second.Answers(ProductionStage.Answer(isStreaming: false));

        var answer = await stage.AskAsync(isStreaming: false);

        answer.AssertAnswered("Well met");
        Assert.Equal(("2", "connection"), (answer.Header("x-llm-attempts"), answer.Header("x-llm-fallback-reason")));
        Assert.Single(stage.First.Requests);
    }

    [Fact]
    public async Task It_is_sent_again_once_and_no_more()
    {
        await using var stage = await StageAsync();
        stage.First.Answers(ProductionStage.Answer(isStreaming: false), new Script().Fin(), new Script().Fin());
        stage.Second.Answers(ProductionStage.Answer(isStreaming: false, "backup"));
        (await stage.AskAsync(isStreaming: false)).AssertAnswered("Well met");

        var answer = await stage.AskAsync(isStreaming: false);

        answer.AssertAnswered("backup");
        Assert.Equal(("2", "connection"), (answer.Header("x-llm-attempts"), answer.Header("x-llm-fallback-reason")));
        Assert.Equal(3, stage.First.Requests.Count);
    }

    private static Task<ProductionStage> StageAsync(string llm = "timeout: 20", Action<ProductionStage>? more = null) => ProductionStage.StartAsync(configure: stage =>
    {
        stage.Gateway.WithSettings(ProductionStage.Settings(stage.Second.BaseUrl, llm: llm));
        more?.Invoke(stage);
    });

    private static Task<ProductionStage> AloneAsync(string llm, Action<ProductionStage>? more = null) => ProductionStage.StartAloneAsync(configure: stage =>
    {
        stage.Gateway.WithSettings(ProductionStage.Settings(stage.Second.BaseUrl, llm: llm));
        more?.Invoke(stage);
    });
}
