namespace LlmGateway.Telemetry;

/// <summary>Types of the Prometheus text format that the gateway uses.</summary>
internal enum PrometheusType
{
    Counter,
    Gauge,
    Histogram,
}
