using System.Collections.Frozen;
using System.Diagnostics.Metrics;
using System.Globalization;
using OpenTelemetry;
using OpenTelemetry.Metrics;

namespace LlmGateway.Telemetry;

/// <summary>
/// The framework's own meters: those that every request passes through in <see cref="RequestMeters"/>, the others (runtime, Kestrel, name
/// resolution) collected by OpenTelemetry when somebody scrapes. Each shows the labels listed here and no others: what is left out is either always the same or not bounded by configuration (a peer's address).
/// </summary>
internal sealed class FrameworkMetrics : IDisposable
{
    private static readonly FrozenDictionary<string, string[]> Labels = new Dictionary<string, string[]>
    {
        ["Microsoft.AspNetCore.Server.Kestrel"] = ["server.address", "server.port", "network.protocol.version", "tls.protocol.version", "error.type"],
        ["System.Net.NameResolution"] = ["dns.question.name", "error.type"],
        ["System.Runtime"] = ["gc.heap.generation", "cpu.mode", "error.type"],
    }.ToFrozenDictionary(StringComparer.Ordinal);

    /// <summary>The runtime declares them as counters, and yet they fall.</summary>
    private static readonly FrozenSet<string> Falling = FrozenSet.Create(StringComparer.Ordinal, "dotnet.thread_pool.thread.count", "dotnet.thread_pool.queue.length");

    /// <summary>Memory for so many is taken for each instrument from the start; what these labels can say needs fewer.</summary>
    private const int MostSeries = 200;

    private readonly Lock _scrape = new();
    private readonly Collector _collector = new();
    private readonly BaseExportingMetricReader _reader;
    private readonly MeterProvider _provider;
    private readonly RequestMeters _requests;

    /// <param name="own">Makes the meters of this gateway's host: those of another host in the process are not shown, and do not end these when they end.</param>
    public FrameworkMetrics(IMeterFactory own)
    {
        _requests = new RequestMeters(own);
        _reader = new BaseExportingMetricReader(_collector);
        _provider = Sdk.CreateMeterProviderBuilder()
            .AddMeter([.. Labels.Keys])
            .AddView(instrument => instrument.Meter.Scope is { } scope && scope != own
                ? MetricStreamConfiguration.Drop
                : new MetricStreamConfiguration { TagKeys = Labels[instrument.Meter.Name], CardinalityLimit = MostSeries })
            .AddReader(_reader)
            .Build();
    }

    public void WriteTo(PrometheusWriter writer)
    {
        lock (_scrape)
        {
            _collector.Writer = writer;
            _reader.Collect();
            _collector.Writer = null;
        }

        _requests.WriteTo(writer);
    }

    public void Dispose()
    {
        _requests.Dispose();
        _provider.Dispose();
    }

    /// <summary>Writes what a collection found while it is valid.</summary>
    private sealed class Collector : BaseExporter<Metric>
    {
        public PrometheusWriter? Writer { get; set; }

        public override ExportResult Export(in Batch<Metric> batch)
        {
            if (Writer is { } writer)
            {
                foreach (var metric in batch)
                {
                    Write(writer, metric);
                }
            }

            return ExportResult.Success;
        }

        private static void Write(PrometheusWriter writer, Metric metric)
        {
            var type = metric.MetricType.IsHistogram() ? PrometheusType.Histogram : metric.MetricType.IsSum() && IsMonotonic(metric) ? PrometheusType.Counter : PrometheusType.Gauge;
            var name = PrometheusName.Of(metric.Name, metric.Unit, type);
            writer.Family(name, metric.Description, type);
            foreach (ref readonly var point in metric.GetMetricPoints())
            {
                List<string> labels = [];
                List<string?> values = [];
                foreach (var tag in point.Tags)
                {
                    if (labels.Count < LabelValues.Most)
                    {
                        labels.Add(tag.Key.Replace('.', '_'));
                        values.Add(Convert.ToString(tag.Value, CultureInfo.InvariantCulture));
                    }
                }

                WritePoint(writer, metric.MetricType, name, labels, ToLabelValues(values), point);
            }
        }

        private static void WritePoint(PrometheusWriter writer, MetricType type, string name, List<string> labels, in LabelValues values, in MetricPoint point)
        {
            switch (type)
            {
                case MetricType.LongSum or MetricType.LongSumNonMonotonic:
                    writer.Sample(name, labels, values, point.GetSumLong());
                    break;
                case MetricType.DoubleSum or MetricType.DoubleSumNonMonotonic:
                    writer.Sample(name, labels, values, point.GetSumDouble());
                    break;
                case MetricType.LongGauge:
                    writer.Sample(name, labels, values, point.GetGaugeLastValueLong());
                    break;
                case MetricType.DoubleGauge:
                    writer.Sample(name, labels, values, point.GetGaugeLastValueDouble());
                    break;
                case MetricType.Histogram:
                    List<double> bounds = [];
                    List<long> counts = [];
                    foreach (var bucket in point.GetHistogramBuckets())
                    {
                        counts.Add(bucket.BucketCount);
                        if (double.IsFinite(bucket.ExplicitBound))
                        {
                            bounds.Add(bucket.ExplicitBound);
                        }
                    }

                    writer.Histogram(name, labels, values, bounds.ToArray(), counts.ToArray(), point.GetHistogramSum());
                    break;
            }
        }

        private static bool IsMonotonic(Metric metric) => metric.MetricType is MetricType.LongSum or MetricType.DoubleSum && !Falling.Contains(metric.Name);

        private static LabelValues ToLabelValues(List<string?> values) =>
            new(values.ElementAtOrDefault(0), values.ElementAtOrDefault(1), values.ElementAtOrDefault(2), values.ElementAtOrDefault(3), values.ElementAtOrDefault(4));
    }
}
