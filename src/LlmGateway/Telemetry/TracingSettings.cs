using System.Globalization;
using OpenTelemetry.Exporter;

namespace LlmGateway.Telemetry;

/// <summary>Where spans go and how, by OpenTelemetry's standard variables; there are none where no endpoint is set.</summary>
internal sealed record TracingSettings
{
    private const string SignalPath = "/v1/traces";

    /// <summary>The collector's address for traces, path and all.</summary>
    public required Uri Endpoint { get; init; }

    /// <summary><c>grpc</c> or <c>http/protobuf</c>. Default: by OpenTelemetry's ports, <c>http/protobuf</c> at 4318 and gRPC elsewhere.</summary>
    public OtlpExportProtocol Protocol { get; init; } = OtlpExportProtocol.Grpc;

    /// <summary>Headers for the collector, <c>name=value</c> with commas between; they may hold its key.</summary>
    public string? Headers { get; init; }

    /// <summary>Limit of one export, in milliseconds. Default: 10,000.</summary>
    public int TimeoutMilliseconds { get; init; } = 10_000;

    /// <summary>Longest time that a span waits for others, in milliseconds. Default: 5,000.</summary>
    public int DelayMilliseconds { get; init; } = 5_000;

    /// <summary>Spans that wait at most; more are dropped. Default: 2,048.</summary>
    public int MaxQueue { get; init; } = 2_048;

    /// <summary>Spans of one export. Default: 512.</summary>
    public int MaxBatch { get; init; } = 512;

    /// <summary>All variables, for what the SDK reads itself: sampler, service name, resource.</summary>
    public required IReadOnlyDictionary<string, string> Variables { get; init; }

    /// <summary>Null: no export.</summary>
    public static TracingSettings? From(IReadOnlyDictionary<string, string> variables)
    {
        if (Is("OTEL_SDK_DISABLED", "true") || Is("OTEL_TRACES_EXPORTER", "none"))
        {
            return null;
        }

        var own = Url("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT");
        if ((own ?? Url("OTEL_EXPORTER_OTLP_ENDPOINT")) is not { } endpoint)
        {
            return null;
        }

        var protocol = Of("PROTOCOL")?.Trim() switch
        {
            "http/protobuf" => OtlpExportProtocol.HttpProtobuf,
            "grpc" => OtlpExportProtocol.Grpc,
            _ => endpoint.Port == 4318 ? OtlpExportProtocol.HttpProtobuf : OtlpExportProtocol.Grpc,
        };
        var usual = new TracingSettings { Endpoint = endpoint, Variables = variables };
        var maxQueue = Math.Max(1, Number("OTEL_BSP_MAX_QUEUE_SIZE") ?? usual.MaxQueue);
        return usual with
        {
            Endpoint = protocol == OtlpExportProtocol.HttpProtobuf && own is null ? new Uri(endpoint.AbsoluteUri.TrimEnd('/') + SignalPath) : endpoint,
            Protocol = protocol,
            Headers = Of("HEADERS"),
            TimeoutMilliseconds = int.TryParse(Of("TIMEOUT"), NumberStyles.None, CultureInfo.InvariantCulture, out var timeout) && timeout > 0 ? timeout : usual.TimeoutMilliseconds,
            DelayMilliseconds = Math.Max(1, Number("OTEL_BSP_SCHEDULE_DELAY") ?? usual.DelayMilliseconds),
            MaxQueue = maxQueue,
            MaxBatch = Math.Clamp(Number("OTEL_BSP_MAX_EXPORT_BATCH_SIZE") ?? usual.MaxBatch, 1, maxQueue),
        };

        string? Of(string name) => Find("OTEL_EXPORTER_OTLP_TRACES_" + name) ?? Find("OTEL_EXPORTER_OTLP_" + name);
        string? Find(string name) => variables.GetValueOrDefault(name);
        bool Is(string name, string value) => string.Equals(Find(name)?.Trim(), value, StringComparison.OrdinalIgnoreCase);
        Uri? Url(string name) => Uri.TryCreate(Find(name)?.Trim(), UriKind.Absolute, out var url) && url.Scheme is "http" or "https" ? url : null;
        int? Number(string name) => int.TryParse(Find(name), NumberStyles.None, CultureInfo.InvariantCulture, out var value) ? value : null;
    }

    /// <summary>The headers are secret: only the address is shown.</summary>
    public override string ToString() => Endpoint.GetLeftPart(UriPartial.Path);
}
