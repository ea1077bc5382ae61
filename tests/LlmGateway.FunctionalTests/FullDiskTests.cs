using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Text;
using LlmGateway.FunctionalTests.Infrastructure;

namespace LlmGateway.FunctionalTests;

/// <summary>
/// Log, journal and database of a gateway on one small disk (a mount that only the gateway's process has) that is full for a while: requests
/// go on, what could not be written is counted or kept, and once there is room again all is as before.
/// </summary>
public sealed class FullDiskTests
{
    private const int Before = 5;
    private const int During = 100;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_full_disk_stops_no_request_and_is_forgotten_once_there_is_room()
    {
        await using var provider = ScriptedProvider.OpenAi().AlwaysAnswers(_ => Script.Json(OpenAiReplies.Completion("Well met")));
        using var folder = new GatewayFolder();
        Directory.CreateDirectory(Path.Combine(folder.Path, "data"));
        var address = new Uri(string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{GatewayProcess.FreePort()}"));
        await using var gateway = Start(folder, address, provider);
        await gateway.WaitForAnswerAsync(address);

        // The process's own view of its folder: here the mount is not to be seen.
        var data = $"/proc/{gateway.Id}/root{folder.Path}/data";
        var ledger = new LedgerFile(Path.Combine(data, "gateway.db"));
        await AskAsync(gateway, Before);
        await ledger.WaitForRequestsAsync(Before);
        await Eventually.TrueAsync(() => Lines(data).Count(IsRequest) == Before, "the log to be written");

        Fill(Path.Combine(data, "filler"));
        await AskAsync(gateway, During);
        var full = await gateway.WaitForMetricsAsync(page => page.Sum("llm_gateway_log_lines_dropped_total") >= During && page.Value("llm_gateway_store_up", ("store", "database")) == 0, "lines to be dropped and the database to be down");
        var ready = await gateway.Client.GetStringAsync(new Uri("/health/ready", UriKind.Relative), Cancellation);
        var linesWhileFull = Lines(data).Count(IsRequest);
        var rowsWhileFull = ledger.Query("SELECT id FROM request_records").Count;

        File.Delete(Path.Combine(data, "filler"));
        await AskAsync(gateway, Before);
        var rows = await ledger.WaitForRequestsAsync(Before + During + Before);
        await Eventually.TrueAsync(() => Lines(data).Any(line => line.Contains("log lines were dropped", StringComparison.Ordinal)), "the log to tell of what it lacks");
        await Eventually.TrueAsync(() => Lines(data).Count(IsRequest) >= linesWhileFull + Before, "the log to go on");
        var after = await gateway.WaitForMetricsAsync(page => page.Value("llm_gateway_store_up", ("store", "database")) == 1, "the database to be up");
        var log = string.Join('\n', Lines(data));
        KeptOutput.OfThisRun?.Keep("process", log);
        Assert.Equal(0, await gateway.TerminateAsync());

        Assert.True(rowsWhileFull < Before + During, "The disk was not full for the database.");
        Assert.InRange(linesWhileFull, Before, Before + During - 1);
        Assert.Contains("degraded", ready, StringComparison.Ordinal);
        Assert.Contains("No space left on device", ready, StringComparison.Ordinal);
        Assert.Equal((0, 0), (full.Sum("llm_gateway_usage_records_total", ("result", "lost")), after.Sum("llm_gateway_usage_records_total", ("result", "lost"))));
        Assert.Equal(rows.Count, rows.Select(row => row["request_id"]).Distinct().Count());
        Assert.Equal("", gateway.Errors);
    }

    private static GatewayProcess Start(GatewayFolder folder, Uri address, ScriptedProvider provider)
    {
        var start = new ProcessStartInfo("unshare") { WorkingDirectory = folder.Path };
        foreach (var argument in (string[])["--user", "--map-root-user", "--mount", "bash", "-c", """mount -t tmpfs -o size=16m tmpfs data && exec dotnet "$0" --urls "$1" >>data/gateway.log""", Path.Combine(AppContext.BaseDirectory, "LlmGateway.dll"), address.ToString()])
        {
            start.ArgumentList.Add(argument);
        }

        return GatewayProcess.Start(
            start, ["PATH", "HOME", "DOTNET_ROOT"],
            ("ENVIRONMENT", "production"), ("INTERNAL_LLM_BASE_URL", provider.BaseUrl + "/v1"), ("INTERNAL_LLM_MODEL", "m"), ("GATEWAY_API_KEYS", "test:sk-client-4711"));
    }

    private static Task AskAsync(GatewayProcess gateway, int count) =>
        Parallel.ForAsync(0, count, new ParallelOptions { MaxDegreeOfParallelism = 8, CancellationToken = Cancellation }, async (_, cancellation) =>
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, ProductionStage.Path)
            {
                Content = new StringContent(ProductionStage.Body(isStreaming: false), Encoding.UTF8, "application/json"),
                Headers = { { "Authorization", "Bearer sk-client-4711" } },
            };
            using var response = await gateway.Client.SendAsync(request, cancellation);
            Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        });

    /// <summary>Writes until there is no room for one byte more.</summary>
    private static void Fill(string path)
    {
        using var filler = new FileStream(path, FileMode.CreateNew, FileAccess.Write, FileShare.Read, bufferSize: 0);
        var block = new byte[4096];
        for (var size = block.Length; size > 0;)
        {
            try
            {
                filler.Write(block, 0, size);
            }
            catch (IOException)
            {
                size /= 2;
            }
        }
    }

    private static string[] Lines(string data)
    {
        using var log = new StreamReader(new FileStream(Path.Combine(data, "gateway.log"), FileMode.Open, FileAccess.Read, FileShare.ReadWrite));
        return log.ReadToEnd().Split('\n');
    }

    private static bool IsRequest(string line) => line.Contains("\"message\":\"request\"", StringComparison.Ordinal);
}
