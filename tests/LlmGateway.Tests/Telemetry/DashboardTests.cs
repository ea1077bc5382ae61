using System.Text.Json;
using System.Text.RegularExpressions;
using LlmGateway.Telemetry;
using LlmGateway.Tests.Architecture;

namespace LlmGateway.Tests.Telemetry;

public sealed partial class DashboardTests
{
    [Fact]
    public void Dashboards_ask_only_for_metrics_and_labels_that_exist()
    {
        var families = new GatewayMetrics().Families.ToDictionary(family => family.Name);
        var expressions = Directory.GetFiles(Path.Combine(SourceTree.Root, "..", "..", "grafana", "dashboards"), "*.json").SelectMany(Expressions).ToList();

        Assert.NotEmpty(expressions);
        foreach (var match in expressions.SelectMany(expression => Metric().Matches(expression)))
        {
            var name = Suffix().Replace(match.Groups["name"].Value, "");
            Assert.True(families.TryGetValue(name, out var family), $"no such metric: {name}");
            foreach (var label in Label().Matches(match.Groups["labels"].Value).Select(label => label.Groups[1].Value))
            {
                Assert.True(family.Labels.Contains(label), $"{name} has no label {label}");
            }
        }
    }

    [Fact]
    public void Dashboards_have_their_variables_and_name_no_data_source_of_their_own()
    {
        foreach (var file in Directory.GetFiles(Path.Combine(SourceTree.Root, "..", "..", "grafana", "dashboards"), "*.json"))
        {
            using var dashboard = JsonDocument.Parse(File.ReadAllText(file));
            var root = dashboard.RootElement;
            var variables = root.GetProperty("templating").GetProperty("list").EnumerateArray().Select(variable => variable.GetProperty("name").GetString()).ToList();
            var panels = root.GetProperty("panels").EnumerateArray().ToList();

            Assert.Equal("llmgateway-" + Path.GetFileNameWithoutExtension(file), root.GetProperty("uid").GetString());
            Assert.Empty(((string[])["datasource", "agent", "provider", "model"]).Except(variables));
            Assert.Equal(panels.Count, panels.Select(panel => panel.GetProperty("id").GetInt32()).Distinct().Count());
            Assert.All(panels, panel => Assert.Contains(panel.GetProperty("datasource").GetProperty("uid").GetString()![2..^1], variables));
        }
    }

    private static IEnumerable<string> Expressions(string file)
    {
        using var dashboard = JsonDocument.Parse(File.ReadAllText(file));
        return
        [
            .. from panel in dashboard.RootElement.GetProperty("panels").EnumerateArray()
               from target in panel.GetProperty("targets").EnumerateArray()
               where target.TryGetProperty("expr", out _)
               select target.GetProperty("expr").GetString()!,
        ];
    }

    [GeneratedRegex(@"(?<name>llm_gateway_[a-z_]+)(\{(?<labels>[^}]*)\})?")]
    private static partial Regex Metric();

    [GeneratedRegex("_(bucket|sum|count)$")]
    private static partial Regex Suffix();

    [GeneratedRegex("([a-z_]+)(?:=~|!=|=)")]
    private static partial Regex Label();
}
