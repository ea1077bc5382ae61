using LlmGateway.Model;
using static LlmGateway.Tests.Routing.StrategyStage;

namespace LlmGateway.Tests.Routing;

public sealed class FastestStrategyTests
{
    private const string Streamed = """{"model":"gpt-test","stream":true,"messages":[{"role":"user","content":"Hello"}]}""";

    [Fact]
    public async Task Run_NothingMeasured_MeasuresEachThreeTimesThenTakesTheFastest()
    {
        using var stage = new StrategyStage();
        ProviderTarget[] targets = [Mock("slow", 5), Mock("middle", 2), Mock("fast", 1)];

        var answered = new List<string>();
        foreach (var seconds in (double[])[5, 5, 5, 2, 2, 2, 1, 1, 1, 1, 1])
        {
            answered.Add(await stage.AnsweredByAsync(stage.Request("fastest", targets), seconds));
        }

        Assert.Equal([.. Times(3, "slow"), .. Times(3, "middle"), .. Times(5, "fast")], answered);
    }

    [Fact]
    public async Task Run_AtOnce_SpreadsTheMeasuring()
    {
        using var stage = new StrategyStage();
        ProviderTarget[] targets = [Mock("one", 2), Mock("two", 1)];

        var asked = Enumerable.Range(0, 6).Select(_ => stage.AnsweredByAsync(stage.Request("fastest", targets))).ToList();
        await stage.StepAsync(1, timers: 3);
        await stage.StepAsync(1, timers: 3);
        var answered = await Task.WhenAll(asked);

        Assert.Equal([.. Times(3, "one"), .. Times(3, "two")], answered);
        Assert.Equal("two", await stage.AnsweredByAsync(stage.Request("fastest", targets), 1));
    }

    [Fact]
    public async Task Run_SlowStart_IsForgottenByExploration()
    {
        using var stage = new StrategyStage(random: 0);
        var (cold, warm, steady) = (Mock("a", 10), Mock("a", 0.1), Mock("b", 1));
        foreach (var seconds in (double[])[10, 10, 10, 1, 1, 1])
        {
            await stage.AnsweredByAsync(stage.Request("fastest", [cold, steady]), seconds);
        }

        var before = stage.Paces.Of(cold, isStreaming: false).Average;
        for (var i = 0; i < 12; i++)
        {
            // The one whose measurement is the oldest, by turns.
            await stage.AnsweredByAsync(stage.Request("fastest", [warm, steady]), 0.1);
            await stage.AnsweredByAsync(stage.Request("fastest", [warm, steady]), 1);
        }

        Assert.True(before > TimeSpan.FromSeconds(9));
        Assert.True(stage.Paces.Of(warm, isStreaming: false).Average < stage.Paces.Of(steady, isStreaming: false).Average);
    }

    [Fact]
    public async Task Run_NoExploration_StaysWithTheFastest()
    {
        using var stage = new StrategyStage(random: 0.05);
        ProviderTarget[] targets = [Mock("slow", 2), Mock("fast", 1)];
        foreach (var seconds in (double[])[2, 2, 2, 1, 1, 1])
        {
            await stage.AnsweredByAsync(stage.Request("fastest", targets), seconds);
        }

        for (var i = 0; i < 20; i++)
        {
            Assert.Equal("fast", await stage.AnsweredByAsync(stage.Request("fastest", targets), 1));
        }
    }

    [Fact]
    public async Task Run_OneFails_CountsAsSlowAsItsTimeOut()
    {
        using var stage = new StrategyStage();
        ProviderTarget[] targets = [Mock("broken", status: 500), Mock("slow", 5)];
        for (var i = 0; i < 6; i++)
        {
            Assert.Equal("slow", await stage.AnsweredByAsync(stage.Request("fastest", targets), 5));
        }

        var request = stage.Request("fastest", targets);

        Assert.Equal("slow", await stage.AnsweredByAsync(request, 5));
        Assert.Equal(1, request.Tally.AttemptCount);
    }

    [Fact]
    public async Task Run_StreamsAndWholeAnswers_AreMeasuredApart()
    {
        using var stage = new StrategyStage();
        ProviderTarget[] targets = [Mock("a", 2), Mock("b", 1)];
        foreach (var seconds in (double[])[2, 2, 2, 1, 1, 1])
        {
            await stage.AnsweredByAsync(stage.Request("fastest", targets), seconds);
        }

        Assert.NotNull(stage.Paces.Of(targets[0], isStreaming: false).Average);
        Assert.Null(stage.Paces.Of(targets[0], isStreaming: true).Average);
        Assert.Equal("a", await stage.AnsweredByAsync(stage.Request("fastest", targets, Streamed), 2));
    }

    [Fact]
    public async Task Run_NamedModel_CompetesWithNobody()
    {
        using var stage = new StrategyStage();
        ProviderTarget[] targets = [Mock("slow", 2), Mock("fast", 1)];
        for (var i = 0; i < 8; i++)
        {
            Assert.Equal("slow", await stage.AnsweredByAsync(stage.Request("fastest", targets) with { ExplicitTarget = targets[0] }, 2));
        }
    }

    [Fact]
    public async Task Run_Roles_OnlyTheStartingRoleCompetesAndTheRestFollows()
    {
        using var stage = new StrategyStage();
        var (slow, fast, reserve) = (Mock("slow", 3), Mock("fast", 2), Mock("reserve"));
        GatewayRequest Request(ProviderTarget one, ProviderTarget two) => WithRoles(stage.Request("fastest", [one]), ("primary", [one, two]), ("reserve", [reserve]));
        foreach (var seconds in (double[])[3, 3, 3, 2, 2, 2])
        {
            await stage.AnsweredByAsync(Request(slow, fast), seconds);
        }

        Assert.Equal("fast", await stage.AnsweredByAsync(Request(slow, fast), 2));
        Assert.Equal("reserve", await stage.AnsweredByAsync(Request(Mock("slow", status: 500), Mock("fast", status: 500))));
    }

    [Fact]
    public async Task Run_LostRace_CountsWithTheTimeThatItWasGiven()
    {
        using var stage = new StrategyStage();
        ProviderTarget[] targets = [Mock("silent", 100), Mock("fast", 1)];
        for (var i = 0; i < 3; i++)
        {
            Assert.Equal("fast", await stage.AnsweredByAsync(stage.Request("fastest", targets, hedgeAfter: 2), 2, 1));
        }

        Assert.True(stage.Paces.Of(targets[0], isStreaming: false).Average >= TimeSpan.FromSeconds(3));
        var request = stage.Request("fastest", targets, hedgeAfter: 2);
        Assert.Equal("fast", await stage.AnsweredByAsync(request, 1));
        Assert.Equal(1, request.Tally.AttemptCount);
    }

    private static IEnumerable<string> Times(int count, string name) => Enumerable.Repeat(name, count);
}
