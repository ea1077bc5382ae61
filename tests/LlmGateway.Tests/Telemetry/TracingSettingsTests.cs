using LlmGateway.Telemetry;
using OpenTelemetry.Exporter;

namespace LlmGateway.Tests.Telemetry;

public sealed class TracingSettingsTests
{
    private const string Endpoint = "OTEL_EXPORTER_OTLP_ENDPOINT";
    private const string TracesEndpoint = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT";

    [Theory]
    [InlineData(Endpoint, "http://collector:4317", OtlpExportProtocol.Grpc, "http://collector:4317/")]
    [InlineData(Endpoint, "http://collector:4318", OtlpExportProtocol.HttpProtobuf, "http://collector:4318/v1/traces")]
    [InlineData(Endpoint, "http://collector:4318/otlp/", OtlpExportProtocol.HttpProtobuf, "http://collector:4318/otlp/v1/traces")]
    [InlineData(TracesEndpoint, "http://collector:4318/own/path", OtlpExportProtocol.HttpProtobuf, "http://collector:4318/own/path")]
    [InlineData(TracesEndpoint, "https://collector", OtlpExportProtocol.Grpc, "https://collector/")]
    public void From_Endpoint_ByTheStandardsRules(string name, string value, OtlpExportProtocol protocol, string expected)
    {
        var settings = TracingSettings.From(new Dictionary<string, string> { [name] = value });

        Assert.Equal((protocol, expected), (settings!.Protocol, settings.Endpoint.AbsoluteUri));
    }

    [Fact]
    public void From_VariablesOfTraces_GoBeforeThoseOfAll()
    {
        var settings = TracingSettings.From(new Dictionary<string, string>
        {
            [Endpoint] = "http://all:4317",
            [TracesEndpoint] = "http://traces:4317",
            ["OTEL_EXPORTER_OTLP_PROTOCOL"] = "grpc",
            ["OTEL_EXPORTER_OTLP_TRACES_PROTOCOL"] = "http/protobuf",
            ["OTEL_EXPORTER_OTLP_HEADERS"] = "a=1",
            ["OTEL_EXPORTER_OTLP_TRACES_HEADERS"] = "key=secret",
            ["OTEL_EXPORTER_OTLP_TIMEOUT"] = "250",
            ["OTEL_BSP_MAX_QUEUE_SIZE"] = "7",
            ["OTEL_BSP_SCHEDULE_DELAY"] = "nonsense",
        })!;

        Assert.Equal(("http://traces:4317/", OtlpExportProtocol.HttpProtobuf, "key=secret", 250), (settings.Endpoint.AbsoluteUri, settings.Protocol, settings.Headers, settings.TimeoutMilliseconds));
        Assert.Equal((7, 7, 5_000), (settings.MaxQueue, settings.MaxBatch, settings.DelayMilliseconds));
        Assert.DoesNotContain("secret", settings.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("OTEL_SDK_DISABLED", "true")]
    [InlineData("OTEL_TRACES_EXPORTER", "none")]
    [InlineData(Endpoint, "not an address")]
    public void From_SwitchedOff_NoExport(string name, string value)
    {
        var variables = new Dictionary<string, string> { [Endpoint] = "http://collector:4317" };
        variables[name] = value;

        Assert.Null(TracingSettings.From(variables));
        Assert.Null(TracingSettings.From(new Dictionary<string, string>()));
    }
}
