using System.Diagnostics;
using OpenTelemetry;
using OpenTelemetry.Exporter;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace LlmGateway.Telemetry;

/// <summary>
/// Starts the spans of requests and exports ended ones by OTLP, if an endpoint is set. Without one no span is ever made; a trace that a client
/// brings is then only carried on to logs and exemplars.
/// </summary>
public sealed class GatewayTracing : IDisposable
{
    internal const string SourceName = "LlmGateway";

    private const string ServiceName = "OTEL_SERVICE_NAME";

    private readonly ActivitySource? _source;
    private readonly TracerProvider? _provider;

    internal GatewayTracing(TracingSettings? settings, GatewayMetrics metrics)
    {
        if (settings is null)
        {
            return;
        }

        var version = typeof(GatewayTracing).Assembly.GetName().Version?.ToString(3);
        _source = new ActivitySource(SourceName, version);
        _provider = Sdk.CreateTracerProviderBuilder()
            .ConfigureServices(services => services.AddSingleton(ReadByTheSdk(settings)))
            .ConfigureResource(resource => resource.AddAttributes([new("service.version", version ?? "0")]))
            .AddSource(SourceName)
            .AddProcessor(new SpanQueue(CreateExporter(settings, metrics), settings))
            .Build();
    }

    /// <summary>Starts a request's span and makes it the current one.</summary>
    /// <param name="method">HTTP method; one of those that the endpoint takes.</param>
    /// <param name="endpoint">Route template.</param>
    /// <param name="isInference">Whether it leaves a record; only such requests leave spans.</param>
    /// <param name="traceParent">The client's context, well-formed; null: none.</param>
    /// <returns>Null where the request belongs to no trace.</returns>
    public Activity? StartRequest(string method, string endpoint, bool isInference, string? traceParent)
    {
        if (_source is null || !isInference)
        {
            return traceParent is null ? null : new Activity(SourceName).SetParentId(traceParent).Start();
        }

        ActivityContext.TryParse(traceParent, null, isRemote: true, out var parent);
        return _source.StartActivity($"{method} {endpoint}", ActivityKind.Server, parent);
    }

    public void Dispose()
    {
        _provider?.Dispose();
        _source?.Dispose();
    }

    private static SpanExporter CreateExporter(TracingSettings settings, GatewayMetrics metrics)
    {
        var options = new OtlpExporterOptions
        {
            Endpoint = settings.Endpoint,
            Protocol = settings.Protocol,
            Headers = settings.Headers,
            TimeoutMilliseconds = settings.TimeoutMilliseconds,
        };
        return new SpanExporter(options, metrics, settings.MaxQueue);
    }

    /// <summary>The SDK's own variables from where the gateway's settings come from, which is more than the environment.</summary>
    private static IConfiguration ReadByTheSdk(TracingSettings settings)
    {
        var variables = settings.Variables.ToDictionary(pair => pair.Key, pair => (string?)pair.Value);
        if (!settings.Variables.GetValueOrDefault("OTEL_RESOURCE_ATTRIBUTES", "").Contains("service.name=", StringComparison.Ordinal))
        {
            variables.TryAdd(ServiceName, "llm-gateway");
        }

        return new ConfigurationBuilder().AddInMemoryCollection(variables).Build();
    }
}
