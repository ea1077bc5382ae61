using System.Buffers;
using System.Text;
using LlmGateway.Model;
using LlmGateway.Telemetry;

namespace LlmGateway.Tests.Telemetry;

public sealed class PrometheusWriterTests
{
    private static readonly ProviderTarget Target = new() { Provider = new() { Name = "openai", Type = "openai" }, Model = "gpt" };

    [Fact]
    public void WriteTo_CounterWithHostileLabel_EscapesIt()
    {
        var family = new CounterFamily("x_total", "Help with \\ and\nbreak.", "file", "result");
        family[new("a\"b\\c\nd", "é")].Add(3);

        Assert.Equal("# HELP x_total Help with \\\\ and\\nbreak.\n# TYPE x_total counter\nx_total{file=\"a\\\"b\\\\c\\nd\",result=\"é\"} 3\n", Text(family));
    }

    [Fact]
    public void WriteTo_OpenMetricsCounter_NamesFamilyWithoutTotal()
    {
        var family = new CounterFamily("x_total", "Help.");
        family[default].Add(1);

        Assert.Equal("# HELP x Help.\n# TYPE x counter\nx_total 1\n", Text(family, isOpenMetrics: true));
    }

    [Fact]
    public void WriteTo_MicroUnits_ShowsWholeOnes()
    {
        var family = new CounterFamily("usd_total", "Help.", 1_000_000, "a");
        family[new("x")].Add(1_500_001);

        Assert.Contains("usd_total{a=\"x\"} 1.500001\n", Text(family), StringComparison.Ordinal);
    }

    [Fact]
    public void WriteTo_Histogram_IsCumulativeAndBoundsBelongToTheirBucket()
    {
        var family = new HistogramFamily("h_seconds", "Help.", [0.005, 1], "a");
        var series = family[new("x")];
        series.Record(TimeSpan.FromMilliseconds(5));
        series.Record(TimeSpan.FromMilliseconds(6));
        series.Record(TimeSpan.FromSeconds(2));

        Assert.Equal(
            """
            # HELP h_seconds Help.
            # TYPE h_seconds histogram
            h_seconds_bucket{a="x",le="0.005"} 1
            h_seconds_bucket{a="x",le="1"} 2
            h_seconds_bucket{a="x",le="+Inf"} 3
            h_seconds_sum{a="x"} 2.011
            h_seconds_count{a="x"} 3

            """,
            Text(family));
        Assert.Contains("le=\"1.0\"", Text(family, isOpenMetrics: true), StringComparison.Ordinal);
    }

    [Fact]
    public void WriteTo_HistogramWithTraces_ShowsTheLatestOfEachBucketAsExemplar()
    {
        var family = new HistogramFamily("h_seconds", "Help.", [1], "a");
        var series = family[new("x")];
        series.Record(TimeSpan.FromSeconds(0.25), "first");
        series.Record(TimeSpan.FromSeconds(0.5), "second");
        series.Record(TimeSpan.FromSeconds(0.75));

        var text = Text(family, isOpenMetrics: true);

        Assert.Contains("h_seconds_bucket{a=\"x\",le=\"1.0\"} 3 # {trace_id=\"second\"} 0.5\nh_seconds_bucket{a=\"x\",le=\"+Inf\"} 3\n", text, StringComparison.Ordinal);
        Assert.DoesNotContain("trace_id", Text(family), StringComparison.Ordinal);
    }

    [Fact]
    public void Series_BeyondTheBound_ShareOne()
    {
        var family = new CounterFamily("x_total", "Help.", "a");
        for (var i = 0; i < MetricFamily<NumberSeries>.MaxSeries + 10; i++)
        {
            family[new(i.ToString(System.Globalization.CultureInfo.InvariantCulture))].Add(1);
        }

        Assert.Equal(10, family[new("other")].Value);
    }

    [Fact]
    public void Families_AfterARequest_UseThePublicNames()
    {
        var metrics = new GatewayMetrics();
        metrics.RequestStarted("/v1/chat/completions");
        metrics.RequestEnded("/v1/chat/completions", "default", Target, 200, TimeSpan.FromSeconds(1), TimeSpan.FromMilliseconds(0.04));
        metrics.RequestEnded("/v1/chat/completions", "default", null, 502, TimeSpan.FromSeconds(1), TimeSpan.FromMilliseconds(0.04));
        metrics.StoreUp("database", false);
        metrics.Attempt(Target with { Model = "from-a-client", IsConfigured = false }, FailureReason.RateLimit);

        var text = string.Concat(metrics.Families.Select(family => Text(family)));

        Assert.Contains("llm_gateway_requests_total{endpoint=\"/v1/chat/completions\",agent=\"default\",provider=\"openai\",model=\"gpt\",status=\"200\"} 1\n", text, StringComparison.Ordinal);
        Assert.Contains("provider=\"none\",model=\"none\",status=\"502\"} 1\n", text, StringComparison.Ordinal);
        Assert.Contains("llm_gateway_overhead_seconds_bucket{endpoint=\"/v1/chat/completions\",le=\"5E-05\"} 2\n", text, StringComparison.Ordinal);
        Assert.Contains("llm_gateway_requests_in_flight{endpoint=\"/v1/chat/completions\"} -1\n", text, StringComparison.Ordinal);
        Assert.Contains("llm_gateway_attempts_total{provider=\"openai\",model=\"other\",outcome=\"rate_limit\"} 1\n", text, StringComparison.Ordinal);
        Assert.Contains("llm_gateway_store_up{store=\"database\"} 0\n", text, StringComparison.Ordinal);
        Assert.DoesNotContain("from-a-client", text, StringComparison.Ordinal);
    }

    [Fact]
    public void Request_WithoutAnAgent_HasTheLabelAllTheSame()
    {
        var metrics = new GatewayMetrics();

        metrics.RequestEnded("/health/live", "", null, 200, TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(1));

        Assert.Contains(
            "llm_gateway_requests_total{endpoint=\"/health/live\",agent=\"none\",provider=\"none\",model=\"none\",status=\"200\"} 1\n",
            string.Concat(metrics.Families.Select(family => Text(family))),
            StringComparison.Ordinal);
    }

    [Fact]
    public void Department_BeyondTwoHundred_IsOther()
    {
        var metrics = new GatewayMetrics();
        for (var i = 0; i < GatewayMetrics.MaxDepartments + 5; i++)
        {
            metrics.Department($"d{i}", new TokenUsage(1, 0), new TokenCosts(7, 0, 0));
        }

        var text = string.Concat(metrics.Families.Select(family => Text(family)));

        Assert.Contains("llm_gateway_department_tokens_total{department=\"other\",type=\"input\"} 5\n", text, StringComparison.Ordinal);
        Assert.Contains("llm_gateway_department_cost_usd_total{department=\"other\",type=\"input\"} 3.5E-05\n", text, StringComparison.Ordinal);
        Assert.DoesNotContain("d200", text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3,*/*;q=0.1", true)]
    [InlineData("text/plain;version=0.0.4;q=0.9,application/openmetrics-text;q=0.5", false)]
    [InlineData("*/*", false)]
    [InlineData("rubbish;;;", false)]
    public void PrefersOpenMetrics_Accept_IsObeyed(string accept, bool expected) =>
        Assert.Equal(expected, PrometheusEndpoint.PrefersOpenMetrics([accept]));

    private static string Text(MetricFamily family, bool isOpenMetrics = false)
    {
        var buffer = new ArrayBufferWriter<byte>();
        family.WriteTo(new PrometheusWriter(buffer, isOpenMetrics));
        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }
}
