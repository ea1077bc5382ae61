using System.Globalization;

namespace LoadClient;

/// <summary>Gateway against bare YARP before the same upstream, in interleaved rounds (A B, then B A); prints medians and ratios.</summary>
internal sealed class Comparison(string gatewayFolder, string yarpFolder, string folder, int rounds, TimeSpan time)
{
    private static readonly Workload[] Loads = [Workload.Plain, Workload.Large, Workload.Streams, Workload.Single, Workload.Paced];

    /// <summary>What is compiled anew for a hot path takes a processor for that long; a service that runs for weeks has it behind it.</summary>
    internal static readonly TimeSpan WarmUp = TimeSpan.FromSeconds(12);

    private static readonly Workload[] WarmUps = [Workload.Plain, Workload.Large, Workload.Streams];

    private readonly Dictionary<(string Target, Workload Load), List<Figures>> _runs = [];

    /// <summary>Whether every event of every stream came.</summary>
    public async Task<bool> RunAsync(CancellationToken cancellation)
    {
        await using var upstream = Target.Start("upstream", Path.Combine(folder, "upstream"), typeof(Comparison).Assembly.Location, url => ["upstream", url]);
        await using var yarp = Target.Start("yarp", Path.Combine(folder, "yarp"), Path.Combine(yarpFolder, "BareYarp.dll"), url => [upstream.BaseUrl, "--urls", url]);
        await using var gateway = StartGateway("gateway", gatewayFolder, folder, upstream.BaseUrl, ("GATEWAY_API_KEYS", "load:" + LoadRun.ClientKey));
        using (var client = new HttpClient(new SocketsHttpHandler { UseProxy = false }))
        {
            await upstream.WaitUntilUpAsync(client, "/", cancellation);
            await yarp.WaitUntilUpAsync(client, "/", cancellation);
            await gateway.WaitUntilUpAsync(client, "/health/live", cancellation);
        }

        Target[] order = [yarp, gateway];
        foreach (var load in WarmUps)
        {
            foreach (var target in order)
            {
                await LoadRun.RunAsync(target, load, WarmUp, cancellation);
            }
        }

        Console.Error.WriteLine("warmed up");
        for (var round = 0; round < rounds; round++)
        {
            foreach (var load in Loads)
            {
                // The upstream itself, asked directly, says what of the latency is nobody's.
                foreach (var target in load == Workload.Single ? [upstream, .. order] : order)
                {
                    await RunAsync(target, load, cancellation);
                }
            }

            Array.Reverse(order);
            Console.Error.WriteLine($"round {round + 1} of {rounds} done");
        }

        Print(yarp, gateway);
        return _runs.Values.SelectMany(runs => runs).All(run => run.Lost == 0);
    }

    /// <summary>The published gateway as production runs it, with a folder of its own; who may call stands in the variables or in a keys file there.</summary>
    internal static Target StartGateway(string name, string gatewayFolder, string folder, string upstream, params (string Name, string Value)[] variables)
    {
        var config = Directory.CreateDirectory(Path.Combine(folder, name, "config")).FullName;
        File.WriteAllText(Path.Combine(config, "agent_llm_config.json"), """
            {
              "default": { "provider": "internal", "model_name": "load-plain", "allow_model_override": true },
              "agents": { "load": { "temperature": 0.2, "allow_model_override": true } },
              "fallback_settings": { "enabled": true, "max_retries": 3, "providers": [ { "provider": "mock", "model_name": "mock" } ] }
            }
            """);
        File.WriteAllText(Path.Combine(config, "llm_settings.yaml"), """
            llm:
              timeout: 120
            providers:
              internal:
                models:
                  load-plain: { context_window: 128000, supports_tools: true, input_cost_per_1m: 1, output_cost_per_1m: 2 }
            """);
        return Target.Start(
            name,
            Path.Combine(folder, name),
            Path.Combine(gatewayFolder, "LlmGateway.dll"),
            url => ["--urls", url],
            [.. variables,
            ("ENVIRONMENT", "production"),
            ("INTERNAL_LLM_BASE_URL", upstream + "/v1"),
            ("INTERNAL_LLM_API_KEY", "sk-upstream"),
            ("INTERNAL_LLM_MODEL", "load-plain"),
            ("INTERNAL_LLM_TICKET", "load-ticket"),
            ("USER_ID", "load")]);
    }

    private async Task RunAsync(Target target, Workload load, CancellationToken cancellation)
    {
        if (!load.RunsOnce)
        {
            await LoadRun.RunAsync(target, load, time / 3, cancellation);
        }

        var figures = await LoadRun.RunAsync(target, load, time, cancellation);
        if (!_runs.TryGetValue((target.Name, load), out var runs))
        {
            _runs[(target.Name, load)] = runs = [];
        }

        runs.Add(figures);
    }

    private void Print(Target yarp, Target gateway)
    {
        Console.WriteLine($"{"workload",-26} {"figure",-18} {"bare YARP",12} {"gateway",12} {"ratio",7}");
        foreach (var load in Loads)
        {
            if (load.IsStreaming)
            {
                Row(load, "CPU us/event", run => run.MicrosecondsPerEvent);
            }
            else
            {
                Row(load, "CPU us/request", run => run.MicrosecondsPerRequest);
            }

            if (!load.RunsOnce)
            {
                Row(load, load.IsStreaming ? "events/s" : "requests/s", run => load.IsStreaming ? run.Events / run.Seconds : run.RequestsPerSecond);
            }

            Row(load, "lost", run => run.Lost, isCount: true);
        }

        var direct = Median("upstream", Workload.Single, run => run.MedianLatency.TotalMicroseconds);
        Row(Workload.Single, "added us (median)", run => run.MedianLatency.TotalMicroseconds - direct);
        Line("all", "peak memory MiB", yarp.PeakMemory(), gateway.PeakMemory());
    }

    private void Row(Workload load, string figure, Func<Figures, double> value, bool isCount = false)
    {
        if (isCount)
        {
            Line(load.Name, figure, _runs[("yarp", load)].Sum(value), _runs[("gateway", load)].Sum(value));
        }
        else
        {
            Line(load.Name, figure, Median("yarp", load, value), Median("gateway", load, value));
        }
    }

    private double Median(string target, Workload load, Func<Figures, double> value)
    {
        var sorted = _runs[(target, load)].Select(value).Order().ToList();
        return (sorted[(sorted.Count - 1) / 2] + sorted[sorted.Count / 2]) / 2;
    }

    private static void Line(string load, string figure, double yarp, double gateway) =>
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{load,-26} {figure,-18} {yarp,12:0.0} {gateway,12:0.0} {(yarp > 0 ? (gateway / yarp).ToString("0.00", CultureInfo.InvariantCulture) : "-"),7}"));
}
