using LlmGateway.Model;
using static LlmGateway.Tests.Routing.StrategyStage;

namespace LlmGateway.Tests.Routing;

public sealed class HedgedRunTests
{
    private const string Streamed = """{"model":"gpt-test","stream":true,"messages":[{"role":"user","content":"Hello"}]}""";

    [Theory]
    [InlineData(TestRequests.Hello)]
    [InlineData(Streamed)]
    public async Task Run_SilentFirst_HedgeAnswersAfterTheSilence(string body)
    {
        using var stage = new StrategyStage();
        var request = stage.Request("single", [Mock("silent", 50), Mock("second", 1)], body, hedgeAfter: 2);

        Assert.Equal("second", await stage.AnsweredByAsync(request, 2, 1));

        Assert.Equal([(AttemptRole.Answer, FailureReason.Cancelled), (AttemptRole.Hedge, FailureReason.None)], request.Tally.Attempts().Select(Facts));
        Assert.Equal(TimeSpan.FromSeconds(3), request.Tally.ProviderWait);
        Assert.True(request.Tally.Attempts()[0].Usage is { IsEstimated: true, Input: > 0 });
    }

    [Fact]
    public async Task Run_NoAttemptLeft_StaysAlone()
    {
        using var stage = new StrategyStage();
        var request = stage.Request("single", [Mock("slow", 30), Mock("second")], hedgeAfter: 2, maxRetries: 0);

        Assert.Equal("slow", await stage.AnsweredByAsync(request, 2, 28));

        Assert.Equal(1, request.Tally.AttemptCount);
    }

    // Rounds of a request with tools share its tally: earlier ones used to leave later ones without an attempt.
    [Fact]
    public async Task Run_LaterRound_HasAttemptsOfItsOwn()
    {
        using var stage = new StrategyStage();
        var request = stage.Request("fastest", [Mock("silent", 50), Mock("second", 1)], hedgeAfter: 2, maxRetries: 1);

        Assert.Equal("second", await stage.AnsweredByAsync(request, 2, 1));
        Assert.Equal("second", await stage.AnsweredByAsync(request, 2, 1));

        Assert.Equal(4, request.Tally.AttemptCount);
        Assert.Null(stage.Paces.Of(request.Profile.Target, isStreaming: false).Average);
    }

    [Fact]
    public async Task Run_LastAttemptIsTheHedge_AFailureOfTheFirstLeavesItRunning()
    {
        using var stage = new StrategyStage();
        var request = stage.Request("single", [Mock("late", 3, MockFailure.Garbage), Mock("second", 10), Mock("third")], hedgeAfter: 2, maxRetries: 1);

        Assert.Equal("second", await stage.AnsweredByAsync(request, 2, 1, 9));

        Assert.Equal([(AttemptRole.Answer, FailureReason.InvalidResponse), (AttemptRole.Hedge, FailureReason.None)], request.Tally.Attempts().Select(Facts));
    }

    [Fact]
    public async Task Run_AllSilent_NeverMoreThanTwoAtOnce()
    {
        using var stage = new StrategyStage();
        var request = stage.Request("single", [Mock("first", 20), Mock("second", 30), Mock("third")], hedgeAfter: 2);

        Assert.Equal("first", await stage.AnsweredByAsync(request, 2, 18));

        Assert.Equal(2, request.Tally.AttemptCount);
    }

    [Fact]
    public async Task Run_TargetThatWaitsForAFailure_IsNoCompany()
    {
        using var stage = new StrategyStage();
        var mock = Mock("mock") with { OnlyAfter = new HashSet<FailureReason> { FailureReason.Connection } };
        var request = stage.Request("single", [Mock("slow", 30), mock], hedgeAfter: 2);

        Assert.Equal("slow", await stage.AnsweredByAsync(request, 2, 28));

        Assert.Equal(1, request.Tally.AttemptCount);
    }

    [Fact]
    public async Task Run_FirstFailsEarly_NextIsNoHedgeAndGetsItsOwnTime()
    {
        using var stage = new StrategyStage();
        var request = stage.Request("single", [Mock("broken", 1, status: 500), Mock("second", 1.5), Mock("third")], hedgeAfter: 2);

        Assert.Equal("second", await stage.AnsweredByAsync(request, 1, 1.5));

        Assert.Equal([(AttemptRole.Answer, FailureReason.ServerError), (AttemptRole.Answer, FailureReason.None)], request.Tally.Attempts().Select(Facts));
        Assert.Equal(FailureReason.ServerError, request.Tally.FallbackReason);
    }

    [Fact]
    public async Task Run_BothTimeOut_SaysSo()
    {
        using var stage = new StrategyStage();
        var request = stage.Request("single", [Mock("first", fail: MockFailure.Timeout), Mock("second", fail: MockFailure.Timeout)], hedgeAfter: 2);

        using var response = await stage.RunAsync(request, 2, 58, 2);

        Assert.Equal(504, (int)response.StatusCode);
        Assert.Equal([(AttemptRole.Answer, FailureReason.Timeout), (AttemptRole.Hedge, FailureReason.Timeout)], request.Tally.Attempts().Select(Facts));
    }

    private static (AttemptRole, FailureReason) Facts(AttemptTally attempt) => (attempt.Role, attempt.Outcome);
}
