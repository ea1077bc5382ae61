using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Text;
using LlmGateway.FunctionalTests.Infrastructure;

namespace LlmGateway.FunctionalTests;

/// <summary>
/// The gateway gets a fifth of the processor's time and wants more (M10), while its providers answer well within their time: what it is late
/// with itself is charged to none of them.
/// </summary>
[Collection(nameof(AloneCollection))]
public sealed class CpuQuotaTests(ITestOutputHelper output)
{
    private const int Targets = 3;
    private const int UsualCallers = 300;
    private const int MostCallers = 4000;

    /// <summary>Of all processors' time, where it is allowed a fifth.</summary>
    private const double MostShare = 0.25;

    /// <summary>Half of what a provider has for its answer.</summary>
    private static readonly TimeSpan Latency = TimeSpan.FromMilliseconds(500);

    private static readonly TimeSpan Calm = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan Starved = TimeSpan.FromSeconds(5);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_fifth_of_the_processor_ejects_no_provider()
    {
        await using var providers = new Providers();
        using var folder = new GatewayFolder();
        folder.Rewrite(GatewayFolder.Settings, providers.Settings);
        await using var gateway = GatewayProcess.Start(
            folder, ["--urls", "http://127.0.0.1:0"],
            ("ENVIRONMENT", "production"), ("GATEWAY_AUTH", "none"), ("GATEWAY_MAX_CONCURRENCY", "10000"), ("INTERNAL_LLM_BASE_URL", GatewayUnderTest.NoProvider), ("INTERNAL_LLM_MODEL", "m"));
        await gateway.WaitForStartAsync();
        await PressAsync(gateway, UsualCallers, Calm);
        var calm = await PressAsync(gateway, UsualCallers, Calm);
        var early = await TimeoutsAsync(gateway);

        // More callers wherever so many are served in time even so.
        Pressed starved;
        DutyCycle cycle;
        double late;
        var callers = UsualCallers;
        do
        {
            callers *= 2;
            await using (cycle = new DutyCycle(gateway))
            {
                starved = await PressAsync(gateway, callers, Starved);
            }

            late = await TimeoutsAsync(gateway) - early;
        }
        while (late == 0 && callers < MostCallers);

        output.WriteLine(FormattableString.Invariant(
            $"M10: {callers} callers, the process stopped {cycle.Stops} times and {cycle.Stood / (cycle.Ran + cycle.Stood):P0} of the time: {starved}, {late} of them out of time; {calm} for {UsualCallers} callers without that"));
        Assert.True(cycle.Stops >= Starved.TotalSeconds * 4 && starved.Share <= MostShare && calm.Share > starved.Share, "It was not kept from the processor.");
        Assert.True(late > 0, "Nobody was late.");
        var ejected = starved.Answers.Where(answer => answer.Contains("no_healthy_upstream", StringComparison.Ordinal)).ToList();
        Assert.True(ejected.Count == 0, $"{ejected.Count} calls found no provider: {ejected.FirstOrDefault()}\n{string.Join('\n', gateway.AllText.Split('\n').Where(line => line.Contains("Circuit of", StringComparison.Ordinal)))}");
        Assert.DoesNotContain("Circuit of", gateway.AllText, StringComparison.Ordinal);
        foreach (var target in Enumerable.Range(0, Targets))
        {
            Assert.All([await AskAsync(gateway, target, isStreaming: false), await AskAsync(gateway, target, isStreaming: true)], answer => Assert.StartsWith("200 ", answer, StringComparison.Ordinal));
        }
    }

    private static async Task<double> TimeoutsAsync(GatewayProcess gateway) => (await gateway.MetricsAsync()).Sum("llm_gateway_attempts_total", ("outcome", "timeout"));

    /// <summary>Each caller asks again as soon as it is answered, one target after the other, every other call streamed.</summary>
    private static async Task<Pressed> PressAsync(GatewayProcess gateway, int callers, TimeSpan time)
    {
        var answers = new ConcurrentBag<string>();
        var (start, had) = (Stopwatch.GetTimestamp(), ProcessMemory.ProcessorTime(gateway.Id));
        await Task.WhenAll(Enumerable.Range(0, callers).Select(async caller =>
        {
            for (var call = caller; Stopwatch.GetElapsedTime(start) < time; call++)
            {
                answers.Add(await AskAsync(gateway, call % Targets, isStreaming: call / Targets % 2 == 1));
            }
        }));
        return new Pressed(answers, Stopwatch.GetElapsedTime(start), ProcessMemory.ProcessorTime(gateway.Id) - had);
    }

    private static async Task<string> AskAsync(GatewayProcess gateway, int target, bool isStreaming)
    {
        using var content = new StringContent(ProductionStage.Body(isStreaming, model: $"p{target}/m"), Encoding.UTF8, "application/json");
        using var response = await gateway.Client.PostAsync(new Uri(ProductionStage.Path, UriKind.Relative), content, Cancellation);
        return (int)response.StatusCode + " " + await response.Content.ReadAsStringAsync(Cancellation);
    }

    private sealed record Pressed(IReadOnlyCollection<string> Answers, TimeSpan Time, TimeSpan Processor)
    {
        /// <summary>Of all processors' time, what the process has had.</summary>
        public double Share => Processor / Time / Environment.ProcessorCount;

        public override string ToString() => FormattableString.Invariant($"{Answers.Count} calls in {Time.TotalSeconds:0.0} s with {Share:P0} of {Environment.ProcessorCount} processors");
    }

    private sealed class Providers : IAsyncDisposable
    {
        private readonly PlainProvider[] _providers = [.. Enumerable.Range(0, Targets).Select(_ => new PlainProvider(_ => Latency))];

        public string Settings => "providers:\n" + string.Concat(_providers.Select((provider, i) =>
            string.Create(CultureInfo.InvariantCulture, $"  p{i}: {{ type: internal, base_url: \"{provider.BaseUrl}/v1\", models: [m], timeout: 1 }}\n")));

        public async ValueTask DisposeAsync()
        {
            foreach (var provider in _providers)
            {
                await provider.DisposeAsync();
            }
        }
    }
}
