using System.Diagnostics;
using OpenTelemetry;

namespace LlmGateway.Telemetry;

/// <summary>
/// Ended spans on their way to the collector: a bounded queue and one thread of its own that exports. When the collector does not take them,
/// new ones are dropped and counted; no request ever waits.
/// </summary>
/// <remarks>What the exporter lets in always finds room: spans being exported have left the queue, but not the exporter's count.</remarks>
internal sealed class SpanQueue(SpanExporter exporter, TracingSettings settings)
    : BatchActivityExportProcessor(exporter, settings.MaxQueue, settings.DelayMilliseconds, settings.TimeoutMilliseconds, settings.MaxBatch)
{
    private readonly SpanExporter _exporter = exporter;

    public override void OnEnd(Activity data)
    {
        if (data.Recorded && _exporter.TryEnter())
        {
            base.OnEnd(data);
        }
    }
}
