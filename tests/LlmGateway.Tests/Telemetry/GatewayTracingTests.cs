using System.Diagnostics;
using LlmGateway.Telemetry;

namespace LlmGateway.Tests.Telemetry;

public sealed class GatewayTracingTests
{
    private const string Context = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    [Fact]
    public void StartRequest_NoCollectorAndNoTrace_CostsNothing()
    {
        using var tracing = new GatewayTracing(null, new GatewayMetrics());
        tracing.StartRequest("POST", "/v1/chat/completions", isInference: true, null);

        var before = GC.GetAllocatedBytesForCurrentThread();
        var span = tracing.StartRequest("POST", "/v1/chat/completions", isInference: true, null);

        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
        Assert.Null(span);
        Assert.Null(Activity.Current);
    }

    [Fact]
    public void StartRequest_NoCollectorButTheClientsTrace_CarriesItAndStartsNoAttempts()
    {
        using var tracing = new GatewayTracing(null, new GatewayMetrics());

        using var span = tracing.StartRequest("POST", "/v1/chat/completions", isInference: true, Context)!;

        Assert.Equal("0af7651916cd43dd8448eb211c80319c", span.TraceId.ToHexString());
        Assert.Null(span.Source.StartActivity("attempt", ActivityKind.Client, span.Context));
    }

    [Theory]
    [InlineData(true, true)]
    [InlineData(false, false)]
    public void StartRequest_Collector_OnlyInferenceIsTraced(bool isInference, bool isTraced)
    {
        // Nobody listens there; nothing is ended here, so nothing is sent.
        using var tracing = new GatewayTracing(TracingSettings.From(new Dictionary<string, string> { ["OTEL_EXPORTER_OTLP_ENDPOINT"] = "http://127.0.0.1:1" }), new GatewayMetrics());

        var span = tracing.StartRequest("POST", "/v1/chat/completions", isInference, null);
        Activity.Current = null;

        Assert.Equal(isTraced, span is not null);
        Assert.Equal(isTraced ? ("POST /v1/chat/completions", ActivityKind.Server) : default, span is null ? default : (span.DisplayName, span.Kind));
    }
}
