using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Text;
using LlmGateway.FunctionalTests.Infrastructure;

namespace LlmGateway.FunctionalTests;

/// <summary>A gateway under steady load whose Redis stops answering, dies and comes back: what clients, processor, memory and log notice of it.</summary>
[Collection(nameof(RedisCollection))]
public sealed class RedisOutageTests(RedisServer redis, ITestOutputHelper output)
{
    private const int Rate = 60;
    private const int WarmUp = 3000;

    private static readonly TimeSpan Calm = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan Outage = TimeSpan.FromSeconds(20);

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Clients_do_not_notice_an_outage(bool isPause)
    {
        await using var provider = new PlainProvider();
        using var folder = Folder(isPause ? "paused" : "killed");
        await using var gateway = Start(folder, provider, redis.Url);
        await gateway.WaitForStartAsync();
        await BecomesAsync(gateway, 1);
        await WarmAsync(gateway);
        var settled = await LoadAsync(gateway, Rate, Calm / 2);

        var calm = await LoadAsync(gateway, Rate, Calm);
        var outage = isPause ? redis.PauseAsync(Outage) : redis.KillAsync();
        await outage;
        var away = await LoadAsync(gateway, Rate, Outage - TimeSpan.FromMilliseconds(500));
        Assert.Equal(0, await StoreUpAsync(gateway));
        if (isPause)
        {
            // Answers again once the pause is over.
            await redis.CommandAsync("PING");
        }
        else
        {
            await redis.StartAsync();
        }

        var since = Stopwatch.GetTimestamp();
        await BecomesAsync(gateway, 1);
        var back = Stopwatch.GetElapsedTime(since);

        var (median, high) = (away.Percentile(0.5) - calm.Percentile(0.5), away.Percentile(0.99) - calm.Percentile(0.99));
        var log = (away.LogBytes / (double)away.Count) - (calm.LogBytes / (double)calm.Count);
        var processor = away.Processor / away.Count / (calm.Processor / calm.Count);
        var resident = (double)away.Resident / calm.Resident;
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"""
            Q5, {(isPause ? "CLIENT PAUSE" : "SIGKILL")} for {Outage.TotalSeconds:0} s under {Rate} requests a second: {away.Count} requests, {away.Failed} failed; added latency p50 {median.TotalMilliseconds:0.0} ms, p99 {high.TotalMilliseconds:0.0} ms (calm: {calm.Percentile(0.5).TotalMilliseconds:0.0}, {calm.Percentile(0.99).TotalMilliseconds:0.0} ms);
            processor time for a request × {processor:0.00} ({calm.Processor.TotalMicroseconds / calm.Count:0} → {away.Processor.TotalMicroseconds / away.Count:0} µs); resident × {resident:0.00}; log {log:0} more bytes for a request; found again after {back.TotalMilliseconds:0} ms
            """));
        Assert.Equal((0, 0, 0), (settled.Failed, calm.Failed, away.Failed));
        Assert.True(away.Count >= Rate * (Outage.TotalSeconds - 1));
        Assert.True(median <= TimeSpan.FromMilliseconds(2), $"p50 + {median.TotalMilliseconds} ms");
        Assert.True(high <= TimeSpan.FromMilliseconds(50), $"p99 + {high.TotalMilliseconds} ms");
        Assert.True(processor <= 1.3, $"processor time × {processor}");
        Assert.True(resident <= 1.2, $"resident memory × {resident}");
        Assert.True(log <= 300, $"{log} more bytes of log for a request");
        Assert.InRange(back, TimeSpan.Zero, TimeSpan.FromSeconds(2));
        Assert.Equal(1, gateway.Output.Count(line => line.Contains("Redis is not available", StringComparison.Ordinal)));
        var rows = await new LedgerFile(Path.Combine(folder.Path, "data", "gateway.db")).WaitForRequestsAsync(WarmUp + settled.Count + calm.Count + away.Count);
        Assert.All(rows, row => Assert.Equal((200L, "success"), (row["status"], row["attempt_outcome"])));
    }

    [Fact]
    public async Task Three_gateways_whose_Redis_comes_and_goes_each_second_fail_no_request_and_do_not_storm_it()
    {
        const int Nodes = 3;
        var time = TimeSpan.FromSeconds(LongForm.Number("FLAP_SECONDS", 30));
        await using var provider = new PlainProvider();
        FaultProxy[] proxies = [.. Enumerable.Range(0, Nodes).Select(_ => new FaultProxy(redis.Port))];
        GatewayFolder[] folders = [.. Enumerable.Range(0, Nodes).Select(_ => Folder("flapping"))];
        GatewayProcess[] gateways = [.. folders.Select((folder, i) => Start(folder, provider, RedisServer.UrlAt(proxies[i].Port)))];
        try
        {
            await Task.WhenAll(gateways.Select(gateway => gateway.WaitForStartAsync()));
            await Task.WhenAll(gateways.Select(gateway => BecomesAsync(gateway, 1)));
            await Task.WhenAll(gateways.Select(WarmAsync));
            long[] threads = [.. gateways.Select(gateway => ProcessMemory.Threads(gateway.Id))];
            int[] taken = [.. proxies.Select(proxy => proxy.Connections)];
            var traces = await Task.WhenAll(gateways.Select(gateway => ConnectTrace.StartAsync(gateway.Id)));

            var loads = Task.WhenAll(gateways.Select(gateway => LoadAsync(gateway, Rate / Nodes, time)));
            var flaps = await FlapAsync(proxies, loads);

            var results = await loads;
            int[] met = [.. proxies.Select((proxy, i) => proxy.Connections - taken[i])];
            var tries = await Task.WhenAll(traces.Select((trace, i) => trace.StopAsync(proxies[i].Port)));
            Array.ForEach(proxies, proxy => proxy.Set(FaultMode.Pass));
            await Task.WhenAll(gateways.Select(gateway => BecomesAsync(gateway, 1)));
            for (var i = 0; i < Nodes; i++)
            {
                var more = ProcessMemory.Threads(gateways[i].Id) - threads[i];
                var losses = gateways[i].Output.Count(line => line.Contains("Redis is not available", StringComparison.Ordinal));
                output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"H10, node {i}: {flaps} flaps in {time.TotalSeconds:0} s, {results[i].Count} requests, {results[i].Failed} failed, {tries[i]} tries to connect ({tries[i] / time.TotalSeconds:0.00}/s, {met[i]} of them taken), {losses} times missed, threads {threads[i]} {more:+0;-0;+0}"));
                Assert.Equal(0, results[i].Failed);

                // It may not be found again in the second that it is there, and is then missed only once; that it came and went is told by the tries.
                Assert.InRange(losses, 1, flaps);
                Assert.InRange(tries[i], flaps / 2, (int)time.TotalSeconds);
                Assert.InRange(met[i], 1, tries[i]);
                Assert.True(more <= 5, $"{more} more threads");
            }

            // Some found the port closed: nobody took these.
            Assert.True(met.Sum() < tries.Sum());
        }
        finally
        {
            foreach (var gateway in gateways)
            {
                await gateway.DisposeAsync();
            }

            foreach (var proxy in proxies)
            {
                await proxy.DisposeAsync();
            }

            Array.ForEach(folders, folder => folder.Dispose());
        }
    }

    /// <summary>Away for a second, there for a second, until the load is over; answers how often.</summary>
    private static async Task<int> FlapAsync(FaultProxy[] proxies, Task load)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromSeconds(1));
        var half = 0;
        while (!load.IsCompleted && await timer.WaitForNextTickAsync())
        {
            var mode = (half++ % 6) switch { 0 => FaultMode.Reset, 2 => FaultMode.Closed, 4 => FaultMode.Refuse, _ => FaultMode.Pass };
            Array.ForEach(proxies, proxy => proxy.Set(mode));
        }

        return (half + 1) / 2;
    }

    private static GatewayFolder Folder(string key)
    {
        var folder = new GatewayFolder();
        folder.Rewrite(GatewayFolder.Keys, LimitedStage.Keys(LimitedStage.KeyEntry("\"rpm\": 1000000, \"tpm\": 100000000, \"max_concurrency\": 1000", key)));
        return folder;
    }

    private static GatewayProcess Start(GatewayFolder folder, PlainProvider provider, string url) => GatewayProcess.Start(
        folder, ["--urls", "http://127.0.0.1:0"], ("ENVIRONMENT", "production"), ("INTERNAL_LLM_BASE_URL", provider.BaseUrl), ("INTERNAL_LLM_MODEL", "m"), ("REDIS_URL", url));

    /// <summary>Until the code is compiled as it will stay; else the calm time would pay for it.</summary>
    private static async Task WarmAsync(GatewayProcess gateway) => await Parallel.ForAsync(0, WarmUp, new ParallelOptions { MaxDegreeOfParallelism = 8 }, async (_, _) => Assert.True((await AskAsync(gateway)).IsAnswered));

    /// <summary>Asks at a steady rate, whatever becomes of what was asked before.</summary>
    private static async Task<Load> LoadAsync(GatewayProcess gateway, int rate, TimeSpan time)
    {
        var (bytes, processor) = (gateway.AllText.Length, ProcessorTime(gateway));
        var sent = new List<Task<(bool IsAnswered, TimeSpan Took)>>();
        var start = Stopwatch.GetTimestamp();
        using (var timer = new PeriodicTimer(TimeSpan.FromSeconds(1.0 / rate)))
        {
            for (var passed = TimeSpan.Zero; passed < time; passed = Stopwatch.GetElapsedTime(start))
            {
                while (sent.Count < passed.TotalSeconds * rate)
                {
                    sent.Add(AskAsync(gateway));
                }

                await timer.WaitForNextTickAsync();
            }
        }

        var answers = await Task.WhenAll(sent);
        return new Load(
            answers.Length, answers.Count(answer => !answer.IsAnswered), [.. answers.Select(answer => answer.Took).Order()], ProcessorTime(gateway) - processor, gateway.AllText.Length - bytes, ProcessMemory.Resident(gateway.Id));
    }

    private static async Task<(bool IsAnswered, TimeSpan Took)> AskAsync(GatewayProcess gateway)
    {
        var since = Stopwatch.GetTimestamp();
        using var request = new HttpRequestMessage(HttpMethod.Post, ProductionStage.Path) { Content = new StringContent(LimitedStage.Body(), Encoding.UTF8, "application/json") };
        request.Headers.TryAddWithoutValidation("Authorization", "Bearer " + LimitedStage.Key);
        using var answer = await gateway.Client.SendAsync(request);
        await answer.Content.ReadAsByteArrayAsync();
        return (answer.StatusCode == HttpStatusCode.OK, Stopwatch.GetElapsedTime(since));
    }

    private static TimeSpan ProcessorTime(GatewayProcess gateway)
    {
        using var process = Process.GetProcessById(gateway.Id);
        return process.TotalProcessorTime;
    }

    private static async Task<double?> StoreUpAsync(GatewayProcess gateway) =>
        (await gateway.MetricsAsync()).Value("llm_gateway_store_up", ("store", "redis"));

    private static Task<bool> BecomesAsync(GatewayProcess gateway, double wanted) => Eventually.AnswersAsync<bool>(
        async () => await StoreUpAsync(gateway) == wanted ? true : null, $"Redis to be {wanted}");

    private sealed record Load(int Count, int Failed, IReadOnlyList<TimeSpan> Took, TimeSpan Processor, long LogBytes, long Resident)
    {
        public TimeSpan Percentile(double share) => Took[(int)Math.Min(Took.Count - 1, Took.Count * share)];
    }
}
