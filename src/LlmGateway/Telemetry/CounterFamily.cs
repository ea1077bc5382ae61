namespace LlmGateway.Telemetry;

/// <summary>A counter. It counts whole units, so that sums are exact, and shows them divided by <c>unitsPerOne</c> (micro-dollars as dollars).</summary>
internal sealed class CounterFamily(string name, string help, long unitsPerOne, params string[] labels) : MetricFamily<NumberSeries>(name, help, labels)
{
    public CounterFamily(string name, string help, params string[] labels)
        : this(name, help, 1, labels)
    {
    }

    public override void WriteTo(PrometheusWriter writer)
    {
        writer.Family(Name, Help, PrometheusType.Counter);
        foreach (var (labels, series) in Series)
        {
            if (unitsPerOne == 1)
            {
                writer.Sample(Name, Labels, labels, series.Value);
            }
            else
            {
                writer.Sample(Name, Labels, labels, (double)series.Value / unitsPerOne);
            }
        }
    }

    protected override NumberSeries Create() => new();
}
