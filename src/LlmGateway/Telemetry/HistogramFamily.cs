namespace LlmGateway.Telemetry;

/// <summary>A histogram of durations, shown in seconds.</summary>
internal sealed class HistogramFamily : MetricFamily<HistogramSeries>
{
    private readonly double[] _bounds;
    private readonly long[] _boundTicks;

    public HistogramFamily(string name, string help, double[] bounds, params string[] labels)
        : base(name, help, labels)
    {
        _bounds = bounds;
        _boundTicks = [.. bounds.Select(bound => (long)Math.Round(bound * TimeSpan.TicksPerSecond))];
    }

    public override void WriteTo(PrometheusWriter writer)
    {
        writer.Family(Name, Help, PrometheusType.Histogram);
        Span<long> counts = stackalloc long[_bounds.Length + 1];
        foreach (var (labels, series) in Series)
        {
            series.CopyTo(counts, out var sum);
            writer.Histogram(Name, Labels, labels, _bounds, counts, sum.TotalSeconds, series.Exemplars);
        }
    }

    protected override HistogramSeries Create() => new(_boundTicks);
}
