using System.Text;
using LlmGateway.FunctionalTests.Infrastructure;

namespace LlmGateway.FunctionalTests;

/// <summary>Many requests leave nothing behind in the gateway's process (Q6). Alone, because it is the load that decides how many threads there are.</summary>
[Collection(nameof(AloneCollection))]
public sealed class SteadyStateTests(ITestOutputHelper output)
{
    private const int WarmUp = 3_000;
    private const int AtOnce = 16;
    private const double MostHeapGrowth = 3;
    private const double MostResidentGrowth = 8;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Ten_thousand_requests_leave_nothing_behind()
    {
        await using var provider = new PlainProvider();
        using var folder = new GatewayFolder();
        await using var gateway = Start(folder, ("INTERNAL_LLM_BASE_URL", provider.BaseUrl), ("INTERNAL_LLM_MODEL", "m"));
        await gateway.WaitForStartAsync();

        var asked = await AssertSteadyAsync(gateway, 10_000);

        Assert.Equal(asked, provider.Answered);
    }

    /// <summary>What is noted of each failed attempt goes with its request (M05). The prompts are too long for three models: no circuit opens for that, so that each request fails three times.</summary>
    [Fact]
    public async Task Requests_that_fall_over_three_times_leave_nothing_behind()
    {
        const int Models = 3;
        static string Small(int number) => $$"""{ "provider": "small", "model_name": "m{{number}}" }""";
        await using var small = ScriptedProvider.OpenAi().AlwaysAnswers(_ => Script.Json(OpenAiReplies.Error("too long", "invalid_request_error", "context_length_exceeded"), 400));
        using var folder = new GatewayFolder();
        folder.Rewrite(GatewayFolder.Settings, $$"""
            providers:
              small: { type: openai, base_url: "{{small.BaseUrl}}", api_key: sk-small, models: [m1, m2, m3] }
              good: { type: mock, models: [m] }
            """);
        folder.Rewrite(GatewayFolder.Agents, $$"""{ "default": {{Small(1)}}, "fallback_settings": { "enabled": true, "max_retries": 3, "providers": [ {{Small(2)}}, {{Small(3)}}, { "provider": "good", "model_name": "m" } ] } }""");
        await using var gateway = Start(folder);
        await gateway.WaitForStartAsync();

        var asked = await AssertSteadyAsync(gateway, 4_000);

        var page = await gateway.MetricsAsync();
        Assert.Equal(asked, page.Sum("llm_gateway_attempts_total", ("provider", "good"), ("outcome", "success")));
        Assert.Equal(Models * asked, page.Sum("llm_gateway_attempts_total", ("provider", "small"), ("outcome", "context_length")));
    }

    /// <summary>Asks until memory is level, then as often as is told, and compares. Answers how many requests there were in all.</summary>
    private async Task<int> AssertSteadyAsync(GatewayProcess gateway, int requests)
    {
        var asked = 0;
        var before = await Footprint.WhenLevelAsync(gateway, () => AskAsync(WarmUp), Cancellation);
        await AskAsync(requests);
        var after = await Footprint.BackAtAsync(before, MostHeapGrowth, MostResidentGrowth, gateway, Cancellation);

        output.WriteLine(FormattableString.Invariant(
            $"Q6: {before}; after {requests} requests more: {after} ({after.HeapGrowth(before):+0.0;-0.0;0.0} % live heap, {after.ResidentGrowth(before):+0.0;-0.0;0.0} % resident)"));
        return asked;

        async Task AskAsync(int count)
        {
            await SteadyStateTests.AskAsync(gateway, count);
            asked += count;
            await gateway.WaitForMetricsAsync(page => page.Sum("llm_gateway_usage_records_total", ("result", "written")) == asked, $"all {asked} records to be written");
        }
    }

    private static GatewayProcess Start(GatewayFolder folder, params (string Name, string Value)[] variables) =>
        GatewayProcess.StartWithoutTrace(folder, ["--urls", "http://127.0.0.1:0"], [("ENVIRONMENT", "production"), ("GATEWAY_AUTH", "none"), .. variables]);

    /// <summary>The odd ones are streamed.</summary>
    private static Task AskAsync(GatewayProcess gateway, int count) =>
        Parallel.ForAsync(0, count, new ParallelOptions { MaxDegreeOfParallelism = AtOnce, CancellationToken = Cancellation }, async (i, cancellation) =>
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, ProductionStage.Path) { Content = new StringContent(ProductionStage.Body(isStreaming: i % 2 == 1), Encoding.UTF8, "application/json") };
            using var response = await gateway.Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellation);
            Assert.Equal(200, (int)response.StatusCode);
            _ = await response.Content.ReadAsByteArrayAsync(cancellation);
        });
}
