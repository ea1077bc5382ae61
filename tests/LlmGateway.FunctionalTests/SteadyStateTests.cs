using LlmGateway.FunctionalTests.Infrastructure;
using LlmGateway.Telemetry;
using Microsoft.Extensions.DependencyInjection;

namespace LlmGateway.FunctionalTests;

/// <summary>Many requests leave nothing behind in memory. Alone in the process, because the heap is everybody's; threads are counted where the gateway has a process of its own.</summary>
[Collection(nameof(AloneCollection))]
public sealed class SteadyStateTests
{
    private const int Requests = 10_000;
    private const int WarmUp = 2_000;
    private const int AtOnce = 16;
    private const long MostBytesKept = 300;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Ten_thousand_requests_leave_the_heap_flat()
    {
        await using var provider = new PlainProvider();
        await using var gateway = await new GatewayUnderTest().WithEnvironment("production")
            .WithVariable("INTERNAL_LLM_BASE_URL", provider.BaseUrl).WithVariable("INTERNAL_LLM_MODEL", "internal-model").WithVariable("GATEWAY_AUTH", "none")
            .WithServices(services => services.AddSingleton(ForgetfulLog))
            .StartAsync();
        await AskAsync(gateway, WarmUp);
        var heap = await LiveHeapAsync(gateway, WarmUp);

        await AskAsync(gateway, Requests);

        // Pools may still grow by a buffer or two; anything kept for each request would be far more.
        var grown = await LiveHeapAsync(gateway, WarmUp + Requests) - heap;
        Assert.True(grown < Math.Max(heap * 3 / 10, Requests * MostBytesKept), $"the live heap grew by {grown} bytes from {heap}");
        Assert.Equal(WarmUp + Requests, provider.Answered);
        Assert.Equal(WarmUp + Requests, (await gateway.MetricsAsync()).Sum("llm_gateway_requests_total", ("endpoint", ProductionStage.Path), ("status", "200")));
    }

    /// <summary>What is noted of each failed attempt goes with its request.</summary>
    [Fact]
    public async Task Requests_that_fall_over_three_times_leave_the_heap_flat()
    {
        const int Count = 3000;
        static string Failing(int number) => $$"""{ "provider": "bad{{number}}", "model_name": "m" }""";
        await using var gateway = await new GatewayUnderTest().WithEnvironment("production").WithVariable("GATEWAY_AUTH", "none")
            .WithSettings("providers:\n" + string.Concat(Enumerable.Range(1, 3).Select(number => $"  bad{number}: {{ type: mock, models: [m], behavior: {{ status: 500 }} }}\n")) + "  good: { type: mock, models: [m] }\n")
            .WithAgents($$"""{ "default": {{Failing(1)}}, "fallback_settings": { "enabled": true, "max_retries": 3, "providers": [ {{Failing(2)}}, {{Failing(3)}}, { "provider": "good", "model_name": "m" } ] } }""")
            .WithServices(services => services.AddSingleton(ForgetfulLog))
            .StartAsync();
        await AskAsync(gateway, WarmUp);
        var heap = await LiveHeapAsync(gateway, WarmUp);

        await AskAsync(gateway, Count);

        var grown = await LiveHeapAsync(gateway, WarmUp + Count) - heap;
        var page = await gateway.MetricsAsync();
        Assert.True(grown < Math.Max(heap * 3 / 10, Count * MostBytesKept), $"the live heap grew by {grown} bytes from {heap}");
        Assert.Equal(WarmUp + Count, page.Sum("llm_gateway_attempts_total", ("provider", "good"), ("outcome", "success")));
        Assert.True(page.Sum("llm_gateway_attempts_total", ("outcome", "server_error")) > 0);
    }

    // The captured log would be what grows.
    private static LogOutput ForgetfulLog(IServiceProvider services) =>
        new(Stream.Null, LogFormat.Json, services.GetRequiredService<GatewayMetrics>(), services.GetRequiredService<TimeProvider>());

    /// <summary>The odd ones are streamed.</summary>
    private static Task AskAsync(GatewayUnderTest gateway, int count) =>
        Parallel.ForAsync(0, count, new ParallelOptions { MaxDegreeOfParallelism = AtOnce, CancellationToken = Cancellation }, async (i, cancellation) =>
        {
            using var request = gateway.Post(ProductionStage.Path, ProductionStage.Body(isStreaming: i % 2 == 1));
            using var response = await gateway.Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellation);
            Assert.Equal(200, (int)response.StatusCode);
            _ = await response.Content.ReadAsByteArrayAsync(cancellation);
        });

    /// <summary>The live heap once everything that was asked has been written to the ledger.</summary>
    private static async Task<long> LiveHeapAsync(GatewayUnderTest gateway, int records)
    {
        await gateway.WaitForMetricsAsync(page => page.Sum("llm_gateway_usage_records_total", ("result", "written")) == records, "all records to be written");
        for (var i = 0; i < 3; i++)
        {
            GC.Collect(GC.MaxGeneration, GCCollectionMode.Forced, blocking: true, compacting: true);
            GC.WaitForPendingFinalizers();
        }

        return GC.GetTotalMemory(forceFullCollection: true);
    }
}
