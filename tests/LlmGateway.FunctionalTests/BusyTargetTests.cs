using System.Diagnostics;
using System.Globalization;
using LlmGateway.FunctionalTests.Infrastructure;

namespace LlmGateway.FunctionalTests;

/// <summary>Targets that may not be called just now: cooling down after a limit, or with all their calls at once taken.</summary>
public sealed class BusyTargetTests
{
    [Theory]
    [InlineData(false, 429, "rate_limit")]
    [InlineData(true, 429, "rate_limit")]
    [InlineData(false, 503, "server_error")]
    [InlineData(true, 529, "server_error")]
    public async Task A_target_that_cools_down_is_passed_by(bool isStreaming, int status, string reason)
    {
        await using var stage = await ProductionStage.StartAsync();
        stage.First.Answers(Script.Json("{}", status, ("retry-after", "30")));
        stage.Second.AlwaysAnswers(_ => ProductionStage.Answer(isStreaming));

        var (first, second) = (await stage.AskAsync(isStreaming), await stage.AskAsync(isStreaming));

        first.AssertAnswered("Well met");
        second.AssertAnswered("Well met");
        Assert.Equal((reason, "2"), (first.Header("x-llm-fallback-reason"), first.Header("x-llm-attempts")));
        Assert.Equal(("circuit_open", "1"), (second.Header("x-llm-fallback-reason"), second.Header("x-llm-attempts")));
        Assert.Single(stage.First.Requests);
    }

    [Theory]
    [InlineData("30", 25, 30)]
    [InlineData("86400", 50, 60)]
    public async Task A_long_cooldown_without_another_target_is_503(string wait, int least, int most)
    {
        await using var stage = await ProductionStage.StartAloneAsync();
        stage.First.Answers(Script.Json("{}", 429, ("retry-after", wait)));
        (await stage.AskAsync(isStreaming: false)).AssertError(429, "upstream_rate_limited");

        var answer = await stage.AskAsync(isStreaming: false);

        answer.AssertError(503, "no_healthy_upstream");
        Assert.InRange(int.Parse(answer.Header("retry-after")!, CultureInfo.InvariantCulture), least, most);
        Assert.Contains("rate limit", answer.ErrorMessage, StringComparison.Ordinal);
        Assert.Single(stage.First.Requests);
    }

    [Theory]
    [InlineData("retry-after", "1")]
    [InlineData("x-nothing", "1")]
    public async Task A_short_cooldown_without_another_target_is_waited_for(string header, string value)
    {
        await using var stage = await ProductionStage.StartAloneAsync();
        stage.First.Answers(Script.Json("{}", 429, (header, value)), ProductionStage.Answer(isStreaming: false));
        (await stage.AskAsync(isStreaming: false)).AssertError(429, "upstream_rate_limited");

        var start = Stopwatch.GetTimestamp();
        (await stage.AskAsync(isStreaming: false)).AssertAnswered("Well met");

        Assert.InRange(Stopwatch.GetElapsedTime(start).TotalSeconds, 0.5, 4);
    }

    [Fact]
    public async Task A_short_cooldown_is_waited_for_when_all_others_have_failed()
    {
        await using var stage = await ProductionStage.StartAsync();
        stage.First.Answers(Script.Json("{}", 429, ("retry-after", "1")), ProductionStage.Answer(isStreaming: false, "back"));
        stage.Second.Answers(ProductionStage.Answer(isStreaming: false), Script.Json("{}", 500));
        (await stage.AskAsync(isStreaming: false)).AssertAnswered("Well met");

        var answer = await stage.AskAsync(isStreaming: false);

        answer.AssertAnswered("back");
        Assert.Equal("2", answer.Header("x-llm-attempts"));
    }

    [Fact]
    public async Task Beyond_its_calls_at_once_the_next_target_answers()
    {
        await using var stage = await ProductionStage.StartAsync(configure: Two);
        var (gate, other) = (new Gate(), new Gate());
        stage.First.Answers(Held(gate), Held(other), ProductionStage.Answer(isStreaming: false));
        stage.Second.Answers(ProductionStage.Answer(isStreaming: false, "backup"));
        var busy = new[] { stage.AskAsync(isStreaming: false), stage.AskAsync(isStreaming: false) };
        await Task.WhenAll(gate.Reached, other.Reached);

        var beyond = await stage.AskAsync(isStreaming: false);
        gate.Release();
        other.Release();
        await Task.WhenAll(busy);
        var after = await stage.AskAsync(isStreaming: false);

        beyond.AssertAnswered("backup");
        Assert.Equal(("circuit_open", "1"), (beyond.Header("x-llm-fallback-reason"), beyond.Header("x-llm-attempts")));
        after.AssertAnswered("Well met");
        Assert.Equal("internal", after.Header("x-llm-provider"));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Without_another_target_a_free_call_is_waited_for_briefly(bool comesFree)
    {
        await using var stage = await ProductionStage.StartAloneAsync(configure: Two);
        var (gate, other) = (new Gate(), new Gate());
        stage.First.Answers(Held(gate), Held(other), ProductionStage.Answer(isStreaming: false));
        var busy = new[] { stage.AskAsync(isStreaming: false), stage.AskAsync(isStreaming: false) };
        await Task.WhenAll(gate.Reached, other.Reached);

        var start = Stopwatch.GetTimestamp();
        var asking = stage.AskAsync(isStreaming: false);
        if (comesFree)
        {
            gate.Release();
        }

        var answer = await asking;
        gate.Release();
        other.Release();
        await Task.WhenAll(busy);

        if (comesFree)
        {
            answer.AssertAnswered("Well met");
        }
        else
        {
            answer.AssertError(503, "no_healthy_upstream");
            Assert.Equal("1", answer.Header("retry-after"));
            Assert.InRange(Stopwatch.GetElapsedTime(start).TotalSeconds, 1.8, 6);
            Assert.Equal(2, stage.First.Requests.Count);
        }
    }

    private static void Two(ProductionStage stage) => stage.Gateway.WithSettings(ProductionStage.Settings(stage.Second.BaseUrl, llm: "max_concurrency_per_target: 2"));

    private static Script Held(Gate gate)
    {
        var body = OpenAiReplies.Completion("held");
        return new Script().WaitFor(gate).Head(200, "application/json", BodyFraming.Length, ("content-length", body.Length.ToString(CultureInfo.InvariantCulture))).Text(body);
    }
}
