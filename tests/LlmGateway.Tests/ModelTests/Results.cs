using LlmGateway.ModelTests;

namespace LlmGateway.Tests.ModelTests;

/// <summary>Results of probes for tests of what is made of them.</summary>
internal static class Results
{
    /// <summary>A model that passed everything but what is named.</summary>
    public static ModelResult Model(string provider, string model, string type = "openai", long firstToken = 100, string[]? failed = null) => new()
    {
        Provider = provider,
        Type = type,
        Model = model,
        Available = true,
        SuccessCount = 8,
        ResponseTime = firstToken * 3,
        TimeToFirstToken = firstToken,
        TokensPerSecond = 50,
        Probes = [.. ProbeNames.All.Select(name => new ProbeResult(name, failed?.Contains(name) == true ? ProbeStatus.Failed : ProbeStatus.Passed, 10))],
    };

    public static ModelResult Dead(string provider, string model, string why = "connection") => new()
    {
        Provider = provider,
        Type = "openai",
        Model = model,
        ErrorCount = 1,
        Probes =
        [
            .. ProbeNames.All.Select(name => name == ProbeNames.Available
                ? new ProbeResult(name, ProbeStatus.Failed, 5, why)
                : new ProbeResult(name, ProbeStatus.Skipped, Detail: "the model is not available")),
        ],
    };

    public static ModelTestReport Report(params ModelResult[] models) => new()
    {
        StartedAt = new DateTimeOffset(2030, 1, 2, 3, 4, 5, TimeSpan.Zero),
        Duration = 12_340,
        Environment = "production",
        Summary = ModelTestSummary.Of(models),
        Models = models,
        Recommendation = ModelRecommender.Recommend(models),
    };
}
