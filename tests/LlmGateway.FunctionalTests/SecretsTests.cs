using System.Text;
using LlmGateway.FunctionalTests.Infrastructure;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace LlmGateway.FunctionalTests;

/// <summary>Nothing that was said or is secret comes out anywhere: logs down to Trace, metrics, traces, answers, the ledger.</summary>
public sealed class SecretsTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task No_canary_comes_out_in_logs_at_trace_level_metrics_traces_answers_or_the_ledger()
    {
        await using var collector = await SpanCollector.StartAsync();
        var canaries = new Canaries();
        var (ticket, admin, collectorKey) = (canaries.New("ticket"), canaries.New("admin"), canaries.New("collector"));
        var (prompt, reply, query, header, host) = (canaries.New("prompt"), canaries.New("reply"), canaries.New("query"), canaries.New("header"), canaries.New("internal-host"));
        await using var stage = await ProductionStage.StartAsync(
            ProductionStage.Agents(agents: """ "writer": { "system_prompt": "Be brief." } """),
            stage => stage.Gateway
                .WithSettings(ProductionStage.Settings(stage.Second.BaseUrl, llm: "timeout: 20, circuit: { failures: 50 }"))
                .WithVariable("INTERNAL_LLM_TICKET", ticket).WithVariable("ADMIN_API_KEY", admin).WithVariable("LLM_DEBUG", "true")
                .WithVariable("OTEL_EXPORTER_OTLP_ENDPOINT", collector.BaseUrl).WithVariable("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf")
                .WithVariable("OTEL_EXPORTER_OTLP_HEADERS", "x-collector-key=" + collectorKey).WithVariable("OTEL_BSP_SCHEDULE_DELAY", "5")
                .WithServices(LogAtTraceLevel));
        var secretError = OpenAiReplies.Error($"Incorrect API key provided: {stage.FirstKey} at https://{host}.corp/v1?key={stage.FirstKey}\n   at Server.Handle() {reply}");
        stage.First.Answers(
            Script.Json(OpenAiReplies.Completion(reply)),
            OpenAiReplies.Stream(reply, reply),
            Script.Json(secretError, 401),
            Script.Json(secretError, 500),
            Script.Json(secretError, 429),
            Script.Whole(200, "application/json", Encoding.UTF8.GetBytes("{\"" + reply)),
            Script.Sse(OpenAiReplies.ContentChunk(reply)).Event("{\"" + reply).Fin(),
            Script.Raw("HTTP/1.1 " + reply).Fin());
        stage.Second.AlwaysAnswers(_ => Script.Json(OpenAiReplies.Error($"{stage.SecondKey} {host}"), 500));
        var trace = Convert.ToHexStringLower(Guid.NewGuid().ToByteArray());
        var answers = new StringBuilder();
        string[] bodies =
        [
            ProductionStage.Body(false, prompt), ProductionStage.Body(true, prompt), ProductionStage.Body(false, prompt), ProductionStage.Body(false, prompt), ProductionStage.Body(false, prompt),
            ProductionStage.Body(false, prompt), ProductionStage.Body(true, prompt), ProductionStage.Body(false, prompt),
            ProductionStage.Body(false, prompt)[..^3], ProductionStage.Body(false, prompt, more: $",\"{prompt}\":1,\"temperature\":\"{prompt}\""), "{}",
        ];

        foreach (var body in bodies)
        {
            var answer = await SendAsync(body, stage.ClientKey, ("X-User-Id", "jane"), ("Cookie", header), ("X-Custom", header), ("Authorization-Info", header), ("traceparent", $"00-{trace}-00f067aa0ba902b7-01"));
            Assert.NotEqual(401, answer.Status);
            answers.Append(answer.Text.Replace(reply, "", StringComparison.Ordinal));
        }

        foreach (var (key, agent) in ((string, string)[])[(header, "writer"), (stage.ClientKey, header), ("Bearer " + header, "writer")])
        {
            answers.Append((await SendAsync(bodies[0], key, ("X-Agent-Profile", agent))).Text.Replace(header, "", StringComparison.Ordinal));
        }

        await collector.WaitForTraceAsync(trace, 20);
        using var openMetrics = new HttpRequestMessage(HttpMethod.Get, "/metrics");
        openMetrics.Headers.TryAddWithoutValidation("Accept", "application/openmetrics-text");
        using var scraped = await stage.Gateway.Client.SendAsync(openMetrics, Cancellation);
        var records = await stage.Ledger.WaitForRequestsAsync(bodies.Length + 1);
        var ledger = string.Join('\n', records.Concat(records.SelectMany(stage.Ledger.Attempts)).SelectMany(row => row.Values).OfType<string>());

        Assert.All(stage.First.Requests.Take(3), request => Assert.Contains(prompt, request.Text, StringComparison.Ordinal));
        Assert.Contains(collectorKey, collector.Keys);
        Assert.Contains(stage.Gateway.Log.Lines, line => line.Level == "trace");
        foreach (var output in (string[])[stage.Gateway.Log.Text, (await stage.Gateway.MetricsAsync()).Text, await scraped.Content.ReadAsStringAsync(Cancellation), collector.AllText, ledger, answers.ToString()])
        {
            Assert.NotEmpty(output);
            canaries.AssertNoCanary(output);
            stage.Canaries.AssertNoCanary(output);
        }

        Task<RawAnswer> SendAsync(string body, string key, params (string Name, string Value)[] headers)
        {
            var gateway = new Uri(stage.Gateway.BaseUrl);
            var bytes = Encoding.UTF8.GetBytes(body);
            return RawClient.SendAsync(
                gateway,
                RawClient.Head(
                    $"POST {ProductionStage.Path}?key={query} HTTP/1.1", gateway,
                    ["Content-Type: application/json", "Authorization: Bearer " + key, $"Content-Length: {bytes.Length}", .. headers.Select(pair => $"{pair.Name}: {pair.Value}")]),
                bytes);
        }
    }

    /// <summary>What is off stays off; all else says all it has to say.</summary>
    private static void LogAtTraceLevel(IServiceCollection services) => services.PostConfigure<LoggerFilterOptions>(options =>
    {
        options.MinLevel = LogLevel.Trace;
        var off = options.Rules.Where(rule => rule.LogLevel == LogLevel.None).ToArray();
        options.Rules.Clear();
        foreach (var rule in off)
        {
            options.Rules.Add(rule);
        }
    });
}
