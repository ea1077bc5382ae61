using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using System.Globalization;

namespace LlmGateway.Telemetry;

/// <summary>One of the framework's instruments: its measurements, by the labels that are shown.</summary>
internal sealed class RequestMeterFamily
{
    private static readonly string[] SmallNumbers = [.. Enumerable.Range(0, 1000).Select(number => number.ToString(CultureInfo.InvariantCulture))];

    private static readonly ConcurrentDictionary<int, string> Ports = new();

    private readonly HistogramFamily? _durations;
    private readonly GaugeFamily? _levels;
    private readonly string[] _tags;

    private RequestMeterFamily(HistogramFamily? durations, GaugeFamily? levels, string[] tags) => (_durations, _levels, _tags) = (durations, levels, tags);

    public static RequestMeterFamily OfDurations(Instrument instrument, double[] bounds, string[] tags) =>
        new(new HistogramFamily(PrometheusName.Of(instrument.Name, instrument.Unit, PrometheusType.Histogram), instrument.Description ?? "", bounds, LabelNames(tags)), null, tags);

    public static RequestMeterFamily OfLevels(Instrument instrument, string[] tags) =>
        new(null, new GaugeFamily(PrometheusName.Of(instrument.Name, instrument.Unit, PrometheusType.Gauge), instrument.Description ?? "", LabelNames(tags)), tags);

    public void Record(double seconds, ReadOnlySpan<KeyValuePair<string, object?>> tags) => _durations?[LabelsOf(tags)].Record(TimeSpan.FromSeconds(seconds));

    public void Add(long change, ReadOnlySpan<KeyValuePair<string, object?>> tags) => _levels?[LabelsOf(tags)].Add(change);

    public void WriteTo(PrometheusWriter writer)
    {
        _durations?.WriteTo(writer);
        _levels?.WriteTo(writer);
    }

    private static string[] LabelNames(string[] tags) => [.. tags.Select(tag => tag.Replace('.', '_'))];

    private LabelValues LabelsOf(ReadOnlySpan<KeyValuePair<string, object?>> tags) => new(Find(0, tags), Find(1, tags), Find(2, tags), Find(3, tags), Find(4, tags));

    private string? Find(int label, ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        if (label >= _tags.Length)
        {
            return null;
        }

        foreach (var tag in tags)
        {
            if (tag.Key == _tags[label])
            {
                return tag.Value switch
                {
                    string text => text,
                    int and >= 0 and < 1000 and var number => SmallNumbers[number],
                    int and >= 0 and <= ushort.MaxValue and var port => Ports.GetOrAdd(port, static number => number.ToString(CultureInfo.InvariantCulture)),
                    var other => Convert.ToString(other, CultureInfo.InvariantCulture),
                };
            }
        }

        return null;
    }
}
