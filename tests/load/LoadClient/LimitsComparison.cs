using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace LoadClient;

/// <summary>The gateway against itself: a client key with rates, places and a budget against none. Both keep their ledger.</summary>
internal sealed class LimitsComparison(string gatewayFolder, string folder, int rounds, TimeSpan time)
{
    /// <summary>Processor time for a request may grow by this much.</summary>
    private const double Allowed = 1.3;

    /// <summary>Whether every answer came and the ratio is within what is allowed.</summary>
    public async Task<bool> RunAsync(CancellationToken cancellation)
    {
        await using var upstream = Target.Start("upstream", Path.Combine(folder, "upstream"), typeof(LimitsComparison).Assembly.Location, url => ["upstream", url]);
        await using var without = Comparison.StartGateway("without", gatewayFolder, folder, upstream.BaseUrl, ("GATEWAY_AUTH", "none"));
        var keys = Path.Combine(Directory.CreateDirectory(Path.Combine(folder, "limited", "config")).FullName, "gateway_keys.json");
        await File.WriteAllTextAsync(keys, $$"""
            { "keys": [ { "name": "load", "sha256": "{{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(LoadRun.ClientKey)))}}",
                          "rpm": 100000000, "tpm": 100000000000, "max_concurrency": 1000, "budget_usd": 1000000, "budget_period": "month" } ] }
            """, cancellation);
        await using var limited = Comparison.StartGateway("limited", gatewayFolder, folder, upstream.BaseUrl);
        using (var client = new HttpClient(new SocketsHttpHandler { UseProxy = false }))
        {
            await upstream.WaitUntilUpAsync(client, "/", cancellation);
            await without.WaitUntilUpAsync(client, "/health/live", cancellation);
            await limited.WaitUntilUpAsync(client, "/health/live", cancellation);
        }

        var ratios = new List<double>();
        var lost = 0L;
        Target[] order = [without, limited];
        foreach (var target in order)
        {
            await LoadRun.RunAsync(target, Workload.Plain, Comparison.WarmUp, cancellation);
        }

        for (var round = 0; round < rounds; round++)
        {
            var costs = new Dictionary<string, double>(StringComparer.Ordinal);
            foreach (var target in order)
            {
                await LoadRun.RunAsync(target, Workload.Plain, time / 3, cancellation);
                var figures = await LoadRun.RunAsync(target, Workload.Plain, time, cancellation);
                lost += figures.Lost;
                costs[target.Name] = figures.ProcessorTime.TotalMicroseconds / figures.Requests;
            }

            ratios.Add(costs["limited"] / costs["without"]);
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture, $"round {round + 1}: without {costs["without"]:0} µs, with key, limits and budget {costs["limited"]:0} µs of processor time for a request, ratio {ratios[^1]:0.00}"));
            Array.Reverse(order);
        }

        var median = ratios.Order().ElementAt(ratios.Count / 2);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"limits: processor time for a request, median ratio {median:0.00} (at most {Allowed}), {lost} answers lost"));
        return lost == 0 && median <= Allowed;
    }
}
