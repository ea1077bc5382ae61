using System.Collections.Concurrent;
using System.Diagnostics;
using LlmGateway.FunctionalTests.Infrastructure;

namespace LlmGateway.FunctionalTests;

/// <summary>What a dead provider costs, in figures that the tests print: a burst on a cold start, retry amplification (Q15), failover and recovery (Q16). Alone in the process, because they measure time.</summary>
[Collection(nameof(AloneCollection))]
public sealed class FailoverFigureTests
{
    private const int Burst = 200;

    /// <summary>How many requests may find out for themselves that a provider is dead.</summary>
    private const int MostPayers = 10;

    /// <summary>How many may find out in two seconds, with a break of half a second after each, that it still is.</summary>
    private const int MostProbes = 4;

    [Theory]
    [InlineData("refuses", false)]
    [InlineData("refuses", true)]
    [InlineData("fails", false)]
    [InlineData("fails", true)]
    [InlineData("closes", false)]
    [InlineData("is silent", false)]
    [InlineData("is silent", true)]
    [InlineData("refuses the ticket", false)]
    public async Task A_burst_on_a_dead_provider_costs_a_few_requests_its_discovery(string fault, bool isStreaming)
    {
        using var port = new ClosedPort();
        await using var stage = await ProductionStage.StartAsync(configure: stage =>
        {
            stage.Gateway.WithSettings(ProductionStage.Settings(stage.Second.BaseUrl, llm: "timeout: 3"));
            if (fault == "refuses")
            {
                stage.Gateway.WithVariable("INTERNAL_LLM_BASE_URL", port.BaseUrl);
            }
        });
        stage.First.AlwaysAnswers(_ => fault switch
        {
            "closes" => new Script().Fin(),
            "is silent" => Script.NeverAnswer(),
            "refuses the ticket" => Script.Json("{}", 401),
            _ => Script.Json("{}", 500),
        });
        stage.Second.AlwaysAnswers(_ => ProductionStage.Answer(isStreaming));

        var start = Stopwatch.GetTimestamp();
        var answers = await Task.WhenAll(Enumerable.Range(0, Burst).Select(_ => stage.AskAsync(isStreaming)));
        var took = Stopwatch.GetElapsedTime(start);

        Assert.All(answers, answer => answer.AssertAnswered("Well met"));
        var payers = answers.Count(answer => answer.Header("x-llm-attempts") != "1");
        Print($"burst of {Burst}, provider {fault}, streaming {isStreaming}: {payers} requests paid, {took.TotalMilliseconds:0} ms in all");
        Assert.InRange(payers, 1, MostPayers);
        var page = await stage.Gateway.WaitForMetricsAsync(page => page.Sum("llm_gateway_attempts_total", ("provider", "backup")) >= Burst, "all attempts to be counted");
        Assert.Equal(payers, page.Sum("llm_gateway_attempts_total", ("provider", "internal")));
    }

    [Fact]
    public async Task A_burst_on_a_cold_start_goes_to_a_healthy_provider_and_nowhere_else()
    {
        await using var stage = await ProductionStage.StartAsync();
        stage.First.AlwaysAnswers(_ => ProductionStage.Answer(isStreaming: true));

        var answers = await Task.WhenAll(Enumerable.Range(0, Burst).Select(_ => stage.AskAsync(isStreaming: true)));

        Assert.All(answers, answer => answer.AssertAnswered("Well met"));
        Assert.Empty(stage.Second.Requests);
    }

    // Q15, E23
    [Fact]
    public async Task When_everything_fails_attempts_stay_near_requests()
    {
        await using var stage = await ProductionStage.StartAsync(configure: stage =>
            stage.Gateway.WithSettings(ProductionStage.Settings(stage.Second.BaseUrl, llm: "retry_attempts: 2, circuit: { failures: 5, break_seconds: 0.5 }")));
        var isHealthy = false;
        stage.First.AlwaysAnswers(_ => Volatile.Read(ref isHealthy) ? ProductionStage.Answer(isStreaming: false) : Script.Json("{}", 500));
        stage.Second.AlwaysAnswers(_ => Script.Json("{}", 500));
        var refusals = new ConcurrentBag<double>();

        var requests = await PacedAsync(TimeSpan.FromSeconds(3), async () =>
        {
            var start = Stopwatch.GetTimestamp();
            using var response = await stage.OpenAsync(ProductionStage.Body(false));
            if ((int)response.StatusCode == 503)
            {
                refusals.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
            }
        });
        var attempts = stage.First.Requests.Count + stage.Second.Requests.Count;
        Volatile.Write(ref isHealthy, true);
        var healed = Stopwatch.GetTimestamp();
        await Eventually.AnswersAsync<bool>(async () => (await stage.AskAsync(isStreaming: false)).Status == 200 ? true : null, "the recovery");
        var recovery = Stopwatch.GetElapsedTime(healed);

        var sorted = refusals.Order().ToList();
        var median = sorted[sorted.Count / 2];
        Print($"everything fails: {requests} requests, {attempts} attempts, ratio {(double)attempts / requests:0.000}; 503 median {median:0.00} ms; back {recovery.TotalSeconds:0.00} s after healing (break 0.5 s)");
        Assert.True((double)attempts / requests <= 1.2, $"{attempts} attempts for {requests} requests");
        Assert.InRange(median, 0, 5);
        Assert.InRange(recovery.TotalSeconds, 0, 1.5);
    }

    // Q16, E24
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_provider_that_dies_under_load_is_left_soon_and_taken_back_soon(bool isStreaming)
    {
        await using var stage = await ProductionStage.StartAsync(configure: stage =>
            stage.Gateway.WithSettings(ProductionStage.Settings(stage.Second.BaseUrl, llm: "circuit: { failures: 5, break_seconds: 0.5 }")));
        var isDead = false;
        stage.First.AlwaysAnswers(_ => Volatile.Read(ref isDead) ? Script.Json("{}", 503) : ProductionStage.Answer(isStreaming));
        stage.Second.AlwaysAnswers(_ => ProductionStage.Answer(isStreaming));
        var healthy = new ConcurrentBag<double>();
        var failing = new ConcurrentBag<double>();
        await PacedAsync(TimeSpan.FromSeconds(1.5), () => AskAsync(healthy));

        var before = stage.First.Requests.Count;
        Volatile.Write(ref isDead, true);
        var requests = await PacedAsync(TimeSpan.FromSeconds(2), () => AskAsync(failing));
        var probes = stage.Gateway.Log.Lines.Count(line => line.Message.Contains("is half-open", StringComparison.Ordinal));
        var payers = stage.First.Requests.Count - before - probes;
        Volatile.Write(ref isDead, false);
        var healed = Stopwatch.GetTimestamp();
        await Eventually.AnswersAsync<bool>(async () => (await stage.AskAsync(isStreaming)).Header("x-llm-provider") == "internal" ? true : null, "the first provider to be back");
        var recovery = Stopwatch.GetElapsedTime(healed);

        var (usual, added) = (Percentile(healthy, 0.99), Percentile(failing, 0.99));
        Print($"died under load, streaming {isStreaming}: {payers} of {requests} requests paid, {probes} were probes; p99 {usual:0.0} ms healthy, {added:0.0} ms failing over; back {recovery.TotalSeconds:0.00} s after healing (break 0.5 s)");
        Assert.InRange(payers, 1, MostPayers);
        Assert.InRange(probes, 1, MostProbes);
        Assert.InRange(recovery.TotalSeconds, 0, 1.5);
        Assert.InRange(added - usual, double.MinValue, 5000 + 50);

        async Task AskAsync(ConcurrentBag<double> times)
        {
            var start = Stopwatch.GetTimestamp();
            (await stage.AskAsync(isStreaming)).AssertAnswered("Well met");
            times.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
        }
    }

    /// <summary>A request every five milliseconds, whether the ones before have ended or not.</summary>
    private static async Task<int> PacedAsync(TimeSpan length, Func<Task> ask)
    {
        var running = new List<Task>();
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(5));
        var start = Stopwatch.GetTimestamp();
        while (Stopwatch.GetElapsedTime(start) < length)
        {
            running.Add(ask());
            await timer.WaitForNextTickAsync();
        }

        await Task.WhenAll(running);
        return running.Count;
    }

    private static double Percentile(IEnumerable<double> times, double part)
    {
        var sorted = times.Order().ToList();
        return sorted[(int)((sorted.Count - 1) * part)];
    }

    private static void Print(string text) => TestContext.Current.TestOutputHelper?.WriteLine(text);
}
