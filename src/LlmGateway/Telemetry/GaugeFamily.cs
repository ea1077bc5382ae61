namespace LlmGateway.Telemetry;

/// <summary>A gauge of whole numbers.</summary>
internal sealed class GaugeFamily(string name, string help, params string[] labels) : MetricFamily<NumberSeries>(name, help, labels)
{
    public override void WriteTo(PrometheusWriter writer)
    {
        writer.Family(Name, Help, PrometheusType.Gauge);
        foreach (var (labels, series) in Series)
        {
            writer.Sample(Name, Labels, labels, series.Value);
        }
    }

    protected override NumberSeries Create() => new();
}
