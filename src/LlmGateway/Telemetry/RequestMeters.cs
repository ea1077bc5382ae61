using System.Collections.Concurrent;
using System.Diagnostics.Metrics;

namespace LlmGateway.Telemetry;

/// <summary>
/// The framework's meters that every request passes through (ASP.NET Core's hosting, HttpClient), aggregated as the gateway's own metrics
/// are: several measurements for each request, each a look-up and a few interlocked steps.
/// </summary>
internal sealed class RequestMeters : IDisposable
{
    private static readonly string[] MethodLabel = ["http.request.method"];
    private static readonly string[] ServerLabels = ["http.request.method", "http.route", "http.response.status_code", "error.type"];
    private static readonly string[] ClientLabels = ["http.request.method", "server.address", "server.port", "http.response.status_code", "error.type"];
    private static readonly string[] PeerLabels = ["http.request.method", "server.address", "server.port"];
    private static readonly string[] ConnectionLabels = ["server.address", "server.port", "http.connection.state"];

    private static readonly double[] UsualBounds = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10];

    private readonly ConcurrentDictionary<string, RequestMeterFamily> _families = new(StringComparer.Ordinal);
    private readonly MeterListener _listener = new();

    /// <param name="own">Makes the meters of this gateway's host: those of another host in the process are not shown.</param>
    public RequestMeters(IMeterFactory own)
    {
        _listener.InstrumentPublished = (instrument, listener) =>
        {
            var isOurs = instrument.Meter.Scope is not { } scope || scope == own;
            if (isOurs && LabelsOf(instrument) is { } labels && FamilyOf(instrument, labels) is { } family)
            {
                listener.EnableMeasurementEvents(instrument, family);
            }
        };
        _listener.SetMeasurementEventCallback<double>(static (_, value, tags, state) => ((RequestMeterFamily)state!).Record(value, tags));
        _listener.SetMeasurementEventCallback<long>(static (_, value, tags, state) => ((RequestMeterFamily)state!).Add(value, tags));
        _listener.Start();
    }

    public void WriteTo(PrometheusWriter writer)
    {
        foreach (var (_, family) in _families.OrderBy(family => family.Key, StringComparer.Ordinal))
        {
            family.WriteTo(writer);
        }
    }

    public void Dispose() => _listener.Dispose();

    /// <summary>Which of an instrument's tags are shown; null: it is none of these meters'.</summary>
    private static string[]? LabelsOf(Instrument instrument) => (instrument.Meter.Name, instrument.Name) switch
    {
        ("Microsoft.AspNetCore.Hosting", "http.server.active_requests") => MethodLabel,
        ("Microsoft.AspNetCore.Hosting", _) => ServerLabels,
        ("System.Net.Http", "http.client.open_connections" or "http.client.connection.duration") => ConnectionLabels,
        ("System.Net.Http", "http.client.active_requests" or "http.client.request.time_in_queue") => PeerLabels,
        ("System.Net.Http", _) => ClientLabels,
        _ => null,
    };

    /// <summary>Each connection pool has instruments of its own; those of one name are one family. Null: a kind that no request passes through.</summary>
    private RequestMeterFamily? FamilyOf(Instrument instrument, string[] labels) => instrument switch
    {
        Histogram<double> durations => _families.GetOrAdd(
            instrument.Name, _ => RequestMeterFamily.OfDurations(instrument, [.. durations.Advice?.HistogramBucketBoundaries ?? UsualBounds], labels)),
        UpDownCounter<long> => _families.GetOrAdd(instrument.Name, _ => RequestMeterFamily.OfLevels(instrument, labels)),
        _ => null,
    };
}
