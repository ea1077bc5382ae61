using LlmGateway.ModelTests;

namespace LlmGateway.Tests.ModelTests;

/// <summary>Who is proposed for what.</summary>
public sealed class ModelRecommenderTests
{
    [Fact]
    public void The_most_capable_is_primary_and_others_stand_beside_it_by_provider()
    {
        var recommendation = ModelRecommender.Recommend(
        [
            Results.Model("slow", "weak", firstToken: 50, failed: [ProbeNames.Tools, ProbeNames.Vision]),
            Results.Model("alpha", "strong", firstToken: 200),
            Results.Model("alpha", "strong-too", firstToken: 210),
            Results.Model("beta", "strong", firstToken: 300),
            Results.Model("ollama", "local", "ollama", firstToken: 400, failed: [ProbeNames.JsonSchema]),
        ]);

        Assert.Equal(["alpha/strong"], Names(recommendation.Primary));
        Assert.Equal(["beta/strong"], Names(recommendation.Duplicate));
        Assert.Equal(["slow/weak"], Names(recommendation.Reserve));
        Assert.Equal(["ollama/local"], Names(recommendation.Fallback));
        Assert.Equal(["alpha/strong-too"], Names(recommendation.NotRecommended));
        Assert.Contains("has tools, JSON schema, JSON, parallel tools, images, usage, cancel; first token after 200 ms; 50 tokens/s", recommendation.Primary[0].Why);
        Assert.Contains("of another provider", recommendation.Duplicate[0].Why);
        Assert.Contains("lacks tools, images", recommendation.Reserve[0].Why);
        Assert.StartsWith("local", recommendation.Fallback[0].Why);
    }

    [Fact]
    public void Of_equals_the_faster_goes_first_and_of_those_the_cheaper()
    {
        var recommendation = ModelRecommender.Recommend(
        [
            Results.Model("a", "dear", firstToken: 100) with { InputCostPer1m = 10, OutputCostPer1m = 30 },
            Results.Model("b", "cheap", firstToken: 100) with { InputCostPer1m = 0.1m, OutputCostPer1m = 0.2m },
            Results.Model("c", "slow", firstToken: 900) with { InputCostPer1m = 0.01m, OutputCostPer1m = 0.02m },
        ]);

        Assert.Equal(["b/cheap"], Names(recommendation.Primary));
        Assert.Equal(["c/slow"], Names(recommendation.Fallback));
        Assert.Contains("the cheapest", recommendation.Fallback[0].Why);
        Assert.Contains("$0.1 in and $0.2 out", recommendation.Primary[0].Why);
    }

    [Fact]
    public void A_free_model_is_kept_for_the_end_of_the_chain()
    {
        var recommendation = ModelRecommender.Recommend([Results.Model("a", "paid"), Results.Model("b", "gift", failed: [ProbeNames.Tools]) with { Free = true }]);

        Assert.Equal(["a/paid"], Names(recommendation.Primary));
        Assert.Equal(["b/gift"], Names(recommendation.Fallback));
        Assert.StartsWith("free", recommendation.Fallback[0].Why);
        Assert.Empty(recommendation.Duplicate);
    }

    [Fact]
    public void What_cannot_serve_is_not_recommended_and_the_reason_is_told()
    {
        var recommendation = ModelRecommender.Recommend(
        [
            Results.Dead("gone", "m", "auth (status 401)"),
            Results.Model("rehearsal", "mock", "mock"),
            Results.Model("choppy", "m", failed: [ProbeNames.Streaming]),
        ]);

        Assert.Empty(recommendation.Primary);
        Assert.Equal(["gone/m", "rehearsal/mock", "choppy/m"], Names(recommendation.NotRecommended));
        Assert.Equal(["does not answer: auth (status 401)", "a mock: its answers are made up", "no proper stream"], recommendation.NotRecommended.Select(model => model.Why));
    }

    private static IEnumerable<string> Names(IReadOnlyList<RecommendedModel> models) => models.Select(model => $"{model.Provider}/{model.Model}");
}
