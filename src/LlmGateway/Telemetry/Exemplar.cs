namespace LlmGateway.Telemetry;

/// <summary>One measurement of a bucket with the trace that it belongs to, so that a graph leads to an example.</summary>
internal sealed record Exemplar(string TraceId, TimeSpan Value);
