using System.Text.Json;
using LlmGateway.ModelTests;

namespace LlmGateway.Tests.ModelTests;

/// <summary>The same findings for people and for programs.</summary>
public sealed class ReportTests
{
    private static readonly ModelTestReport Report = Results.Report(
        Results.Model("alpha", "a|b", failed: [ProbeNames.Vision]) with { Roles = ["primary"], Agents = ["default", "writer"], InputCostPer1m = 0.25m, OutputCostPer1m = 1 },
        Results.Dead("gone", "m")) with
    {
        Capabilities = new CapabilityOutcome("config/llm_settings.yaml", true, ["alpha/a|b: supports_vision: false"], null),
    };

    [Fact]
    public void Markdown_has_status_times_statistics_and_a_recommendation()
    {
        var text = MarkdownReport.Write(Report);

        Assert.Contains("2030-01-02 03:04:05 UTC, environment `production`, 12.3 s. 1 of 2 models answered; 10 probes passed, 2 failed, 10 without result; 8 calls answered, 1 not.", text);
        Assert.Contains("| `alpha/a\\|b` | available | 300 ms | 100 ms | 50 | 8/8 (100 %) | $0.25 / $1 | role primary, default, agent writer |", text);
        Assert.Contains("| `gone/m` | **not available** | – | – | – | 0/1 (0 %) | – | – |", text);
        Assert.Contains("| `alpha/a\\|b` | yes | yes | yes | yes | yes | yes | yes | no | yes | yes | yes |", text);
        Assert.Contains("- `gone/m`, available: connection", text);
        Assert.Contains("- **primary**: `alpha/a\\|b`: ", text);
        Assert.Contains("- **reserve**: no model is left for it", text);
        Assert.Contains("Written to `config/llm_settings.yaml`:\n\n- alpha/a\\|b: supports_vision: false\n", text);
        Assert.All(text.Split('\n'), line => Assert.DoesNotContain('\r', line));
    }

    [Fact]
    public void Json_has_the_same_under_stable_names()
    {
        using var document = JsonDocument.Parse(JsonReport.Write(Report));
        var root = document.RootElement;

        Assert.Equal(["started_at", "duration", "environment", "summary", "models", "recommendation", "capabilities"], Names(root));
        Assert.Equal(["models", "available", "probes_passed", "probes_failed", "probes_without_result", "success_count", "error_count"], Names(root.GetProperty("summary")));
        Assert.Equal(
            [
                "provider", "type", "model", "roles", "agents", "available", "success_count", "error_count", "success_rate", "response_time", "time_to_first_token",
                "tokens_per_second", "free", "input_cost_per_1m", "output_cost_per_1m", "probes",
            ],
            Names(root.GetProperty("models")[0]));
        Assert.Equal(["name", "status", "duration", "detail"], Names(root.GetProperty("models")[0].GetProperty("probes")[0]));
        Assert.Equal(["primary", "duplicate", "reserve", "fallback", "not_recommended"], Names(root.GetProperty("recommendation")));
        Assert.Equal(["file", "is_written", "changes", "problem"], Names(root.GetProperty("capabilities")));
        Assert.Equal("passed", root.GetProperty("models")[0].GetProperty("probes")[0].GetProperty("status").GetString());
        Assert.Equal("skipped", root.GetProperty("models")[1].GetProperty("probes")[1].GetProperty("status").GetString());
        Assert.Equal(JsonValueKind.Null, root.GetProperty("models")[1].GetProperty("response_time").ValueKind);
        Assert.Equal(0.25m, root.GetProperty("models")[0].GetProperty("input_cost_per_1m").GetDecimal());
    }

    private static IEnumerable<string> Names(JsonElement element) => element.EnumerateObject().Select(member => member.Name);
}
