using System.Globalization;
using System.Net;
using System.Text.Json;

namespace LlmGateway.FunctionalTests.Infrastructure;

/// <summary>A real Prometheus with the configuration and the rules that ship, but for the address that it scrapes and its pace.</summary>
internal sealed class PrometheusServer : IAsyncDisposable
{
    private readonly string _folder;
    private readonly ServerProcess _process;
    private readonly HttpClient _client;

    private PrometheusServer(string folder, Uri address, ServerProcess process)
    {
        (_folder, _process) = (folder, process);
        _client = new HttpClient(new SocketsHttpHandler { UseProxy = false }) { BaseAddress = address };
    }

    /// <param name="shipped">The folder with <c>prometheus.yml</c> and the rules.</param>
    /// <param name="target">Address of the gateway.</param>
    public static async Task<PrometheusServer> StartAsync(string shipped, Uri target)
    {
        var folder = Directory.CreateTempSubdirectory("llmgateway-prometheus-").FullName;
        var config = await File.ReadAllTextAsync(Path.Combine(shipped, "prometheus.yml"));
        Assert.Contains("gateway:8080", config, StringComparison.Ordinal);
        await File.WriteAllTextAsync(Path.Combine(folder, "prometheus.yml"), config
            .Replace("gateway:8080", target.Authority, StringComparison.Ordinal)
            .Replace("_interval: 15s", "_interval: 250ms", StringComparison.Ordinal));
        Directory.CreateDirectory(Path.Combine(folder, "rules"));
        foreach (var rules in Directory.GetFiles(Path.Combine(shipped, "rules")))
        {
            File.Copy(rules, Path.Combine(folder, "rules", Path.GetFileName(rules)));
        }

        var address = new Uri(string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{GatewayProcess.FreePort()}"));
        var process = ServerProcess.Start(
            folder, "prometheus", "--config.file=prometheus.yml", "--storage.tsdb.path=data", "--web.listen-address=" + address.Authority, "--enable-feature=exemplar-storage", "--log.level=warn");
        var server = new PrometheusServer(folder, address, process);
        await process.WaitUntilAsync(server.IsReadyAsync, "ready");
        return server;
    }

    /// <summary>The values of all series that the expression gives now.</summary>
    /// <exception cref="InvalidDataException">It is no valid expression.</exception>
    public async Task<IReadOnlyList<double>> QueryAsync(string expression)
    {
        var result = (await AskAsync("query?query=" + Uri.EscapeDataString(expression))).GetProperty("result");
        return [.. result.EnumerateArray().Select(series => series.GetProperty("value")[1].GetString()!).Select(value => double.TryParse(value, CultureInfo.InvariantCulture, out var number) ? number : double.NaN)];
    }

    /// <summary>Waits until the gateway has been scraped twice more.</summary>
    public async Task WaitForScrapesAsync()
    {
        var before = await CountAsync();
        await _process.WaitUntilAsync(async () => await CountAsync() >= before + 2, "scraping");

        async Task<double> CountAsync() => (await QueryAsync("count_over_time(up[1h])")).SingleOrDefault();
    }

    /// <summary>Trace ids that stand beside this series' measurements of the last hour.</summary>
    public async Task<IReadOnlyList<string>> TracesAsync(string series)
    {
        var now = DateTimeOffset.UtcNow.ToUnixTimeSeconds();
        var data = await AskAsync(string.Create(CultureInfo.InvariantCulture, $"query_exemplars?query={Uri.EscapeDataString(series)}&start={now - 3600}&end={now + 60}"));
        return [.. data.EnumerateArray().SelectMany(found => found.GetProperty("exemplars").EnumerateArray()).Select(exemplar => exemplar.GetProperty("labels").GetProperty("trace_id").GetString()!)];
    }

    /// <summary>Name and health (<c>ok</c>, <c>err</c>, <c>unknown</c>) of every rule.</summary>
    public async Task<IReadOnlyList<(string Name, string Health)>> RulesAsync() =>
        [.. (await AskAsync("rules")).GetProperty("groups").EnumerateArray().SelectMany(group => group.GetProperty("rules").EnumerateArray())
            .Select(rule => (rule.GetProperty("name").GetString()!, rule.GetProperty("health").GetString()!))];

    public async ValueTask DisposeAsync()
    {
        _client.Dispose();
        await _process.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    private async Task<JsonElement> AskAsync(string call)
    {
        using var response = await _client.GetAsync(new Uri("/api/v1/" + call, UriKind.Relative));
        var text = await response.Content.ReadAsStringAsync();
        using var answer = JsonDocument.Parse(text);
        return response.IsSuccessStatusCode ? answer.RootElement.GetProperty("data").Clone() : throw new InvalidDataException($"{call}: {text}");
    }

    private async ValueTask<bool> IsReadyAsync()
    {
        try
        {
            using var response = await _client.GetAsync(new Uri("/-/ready", UriKind.Relative));
            return response.StatusCode == HttpStatusCode.OK;
        }
        catch (HttpRequestException)
        {
            return false;
        }
    }
}
