using System.Diagnostics;
using OpenTelemetry;
using OpenTelemetry.Exporter;

namespace LlmGateway.Telemetry;

/// <summary>Sends spans to the collector, lets in no more than may wait, and counts what becomes of them.</summary>
internal sealed class SpanExporter(OtlpExporterOptions options, GatewayMetrics metrics, int most) : OtlpTraceExporter(options)
{
    private int _inside;

    /// <summary>Whether one more span may wait; if not, it has been counted as dropped.</summary>
    public bool TryEnter()
    {
        if (Interlocked.Increment(ref _inside) <= most)
        {
            return true;
        }

        Interlocked.Decrement(ref _inside);
        metrics.Spans("dropped", 1);
        return false;
    }

    public override ExportResult Export(in Batch<Activity> activityBatch)
    {
        var count = (int)activityBatch.Count;
        var result = base.Export(activityBatch);
        Interlocked.Add(ref _inside, -count);
        metrics.Spans(result == ExportResult.Success ? "exported" : "failed", count);
        return result;
    }
}
