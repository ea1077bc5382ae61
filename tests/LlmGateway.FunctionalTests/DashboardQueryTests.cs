using System.Security.Cryptography;
using System.Text;
using LlmGateway.FunctionalTests.Infrastructure;
using LlmGateway.Model;
using LlmGateway.Telemetry;
using Microsoft.Extensions.DependencyInjection;
using YamlDotNet.RepresentationModel;

namespace LlmGateway.FunctionalTests;

/// <summary>What ships for Grafana and Prometheus, against a gateway under traffic and the real programs.</summary>
[Collection(nameof(DashboardQueryTests))]
public sealed class DashboardQueryTests
{
    private const string FirstFails = "the first fails";
    private const string BothFail = "both fail";

    /// <summary>Rates need several scrapes under traffic; only a failing test waits so long.</summary>
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(90);

    private static string Shipped => DashboardPanel.Folder("prometheus");

    [Fact]
    public async Task Every_panel_and_every_rule_finds_series_in_a_gateway_under_traffic()
    {
        await using var collector = await SpanCollector.StartAsync();
        await using var stage = await ProductionStage.StartAsync(configure: stage => stage.Gateway
            .WithVariable("OTEL_EXPORTER_OTLP_ENDPOINT", collector.BaseUrl).WithVariable("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf").WithVariable("OTEL_BSP_SCHEDULE_DELAY", "5")
            .WithoutVariable("GATEWAY_API_KEYS")
            .WithKeys($$"""{"keys":[{"name":"crm","department":"sales","sha256":"{{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(stage.ClientKey)))}}"}]}""")
            .WithSettings(ProductionStage.Settings(stage.Second.BaseUrl, """
                internal:
                    models: { internal-model: { input_cost_per_1m: 2.5, output_cost_per_1m: 10 } }
              """)));
        stage.First.AlwaysAnswers(_ => Script.Chosen(AnswerOfFirst));
        stage.Second.AlwaysAnswers(_ => Script.Chosen(AnswerOfSecond));
        await using var prometheus = await PrometheusServer.StartAsync(Shipped, new Uri(stage.Gateway.BaseUrl));
        var open = DashboardPanel.All().Where(panel => !panel.IsSql).ToList();
        var recorded = (await prometheus.RulesAsync()).Select(rule => rule.Name).Where(name => name.Contains(':', StringComparison.Ordinal))
            .Select(name => new DashboardPanel("rules", name, name, IsSql: false)).ToList();
        Assert.True(open.Count > 40 && recorded.Count > 5);
        var trace = RandomNumberGenerator.GetHexString(32, lowercase: true);

        try
        {
            await Eventually.AnswersAsync<bool>(
                async () =>
                {
                    await MakeTrafficAsync(stage, trace);
                    await prometheus.WaitForScrapesAsync();
                    open = await WithoutSeriesAsync(prometheus, open);
                    recorded = await WithoutSeriesAsync(prometheus, recorded);
                    return open.Count + recorded.Count == 0 ? true : null;
                },
                "a series for everything",
                Limit);
        }
        catch (TimeoutException)
        {
            Assert.Fail("Nothing was found for:\n" + string.Join('\n', open.Concat(recorded)));
        }

        Assert.All(await prometheus.RulesAsync(), rule => Assert.Equal((rule.Name, "ok"), rule));
        Assert.Contains(trace, await prometheus.TracesAsync("llm_gateway_request_duration_seconds_bucket"));
        Assert.Contains(trace, await prometheus.TracesAsync("llm_gateway_time_to_first_token_seconds_bucket"));
    }

    [Fact]
    public async Task Rules_pass_promtools_checks_and_tests()
    {
        var tests = Path.Combine(Shipped, "tests");

        await ServerProcess.RunAsync(Shipped, "promtool", ["check", "config", "prometheus.yml"]);
        await ServerProcess.RunAsync(Shipped, "promtool", ["check", "rules", .. Directory.GetFiles(Path.Combine(Shipped, "rules"))]);
        await ServerProcess.RunAsync(tests, "promtool", ["test", "rules", .. Directory.GetFiles(tests)]);
    }

    [Fact]
    public void Every_alert_has_a_runbook_and_a_test_in_which_it_fires()
    {
        var alerts = Rules("alerts.yml").Where(rule => Text(rule, "alert") is not null).ToDictionary(rule => Text(rule, "alert")!);
        var tests = Load(Path.Combine(Shipped, "tests", "alerts.yml"))["tests"];
        var fired = from test in (YamlSequenceNode)tests
                    from check in (YamlSequenceNode)test["alert_rule_test"]
                    where ((YamlSequenceNode)check["exp_alerts"]).Children.Count > 0
                    select check["alertname"].ToString();

        Assert.True(alerts.Count >= 10);
        Assert.Equal(alerts.Keys.Order(StringComparer.Ordinal), fired.Distinct().Order(StringComparer.Ordinal));
        Assert.All(alerts.Values, alert => Assert.True(Text(alert["annotations"], "summary")!.Length > 10 && Text(alert["annotations"], "runbook")!.Length > 60));
        Assert.All(alerts.Values, alert => Assert.Contains(alert["labels"]["severity"].ToString(), (string[])["critical", "warning", "info"]));
    }

    /// <summary>What has no series yet, with numbers in it, though the traffic goes on.</summary>
    private static async Task<List<DashboardPanel>> WithoutSeriesAsync(PrometheusServer prometheus, List<DashboardPanel> panels)
    {
        var without = new List<DashboardPanel>();
        foreach (var panel in panels)
        {
            var expression = panel.Query
                .Replace("$agent", ".*", StringComparison.Ordinal).Replace("$provider", ".*", StringComparison.Ordinal).Replace("$model", ".*", StringComparison.Ordinal)
                .Replace("$__rate_interval", "5s", StringComparison.Ordinal).Replace("$__range", "1m", StringComparison.Ordinal);
            Assert.DoesNotContain("$", expression, StringComparison.Ordinal);
            if (!(await prometheus.QueryAsync(expression)).Any(double.IsFinite))
            {
                without.Add(panel);
            }
        }

        return without;
    }

    /// <summary>One of everything that the gateway counts; targets answer more often than not, so that their circuits stay closed.</summary>
    private static async Task MakeTrafficAsync(ProductionStage stage, string trace)
    {
        // All in one trace, so that each bucket's latest example is of it.
        var context = ("traceparent", $"00-{trace}-00f067aa0ba902b7-01");
        (await stage.AskAsync(isStreaming: true, context)).AssertAnswered("Well met");
        for (var i = 0; i < 5; i++)
        {
            (await stage.AskAsync(isStreaming: false, context)).AssertAnswered("Well met");
        }

        (await stage.AskAsync(ProductionStage.Body(false, FirstFails), context)).AssertAnswered("Well met");
        (await stage.AskAsync(ProductionStage.Body(false, FirstFails), context)).AssertAnswered("Well met");
        (await stage.AskAsync(ProductionStage.Body(false, BothFail), context)).AssertError(502, "all_providers_failed");

        // What no request of this stage brings about is counted as its own stage counts it.
        var metrics = stage.Gateway.Services.GetRequiredService<GatewayMetrics>();
        var target = new ProviderTarget { Provider = new ProviderConfig { Name = "internal", Type = "internal" }, Model = "internal-model" };
        metrics.CacheRequest("hit");
        metrics.CacheRequest("miss");
        metrics.CacheSaved("default", target, 42);
        metrics.RateLimited("rpm");
        metrics.StoreUp("redis", true);
    }

    private static Script AnswerOfFirst(RecordedRequest request) =>
        request.Text.Contains(FirstFails, StringComparison.Ordinal) || request.Text.Contains(BothFail, StringComparison.Ordinal) ? Script.Json(OpenAiReplies.Error("down"), 500)
        : request.Text.Contains("\"stream\":true", StringComparison.Ordinal)
            ? Script.Sse(OpenAiReplies.ContentChunk("Well "), OpenAiReplies.ContentChunk("met"), OpenAiReplies.FinishChunk(), OpenAiReplies.UsageChunk(9, 4)).Done()
            : ProductionStage.Answer(isStreaming: false);

    private static Script AnswerOfSecond(RecordedRequest request) =>
        request.Text.Contains(BothFail, StringComparison.Ordinal) ? Script.Raw("nonsense").Fin() : ProductionStage.Answer(isStreaming: false);

    private static IEnumerable<YamlNode> Rules(string file) =>
        ((YamlSequenceNode)Load(Path.Combine(Shipped, "rules", file))["groups"]).SelectMany(group => (YamlSequenceNode)group["rules"]);

    private static string? Text(YamlNode node, string name) => ((YamlMappingNode)node).Children.TryGetValue(name, out var value) ? value.ToString() : null;

    private static YamlNode Load(string file)
    {
        var yaml = new YamlStream();
        using var reader = File.OpenText(file);
        yaml.Load(reader);
        return yaml.Documents[0].RootNode;
    }
}
