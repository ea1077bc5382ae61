using System.Diagnostics;
using OpenTelemetry;

namespace LlmGateway.Telemetry;

/// <summary>
/// Ended spans on their way to the collector: a bounded queue and one thread of its own that exports. When the collector does not take them,
/// new ones are dropped and counted; no request ever waits.
/// </summary>
internal sealed class SpanQueue : BaseProcessor<Activity>
{
    private readonly BatchActivityExportProcessor _batches;
    private readonly Counter _counter;

    public SpanQueue(BaseExporter<Activity> exporter, TracingSettings settings, GatewayMetrics metrics)
    {
        _counter = new Counter(exporter, metrics, settings.MaxQueue);

        // What is let in always finds room: spans being exported have left its queue, but not the count.
        _batches = new BatchActivityExportProcessor(_counter, settings.MaxQueue, settings.DelayMilliseconds, settings.TimeoutMilliseconds, settings.MaxBatch);
    }

    public override void OnEnd(Activity data)
    {
        if (data.Recorded && _counter.TryEnter())
        {
            _batches.OnEnd(data);
        }
    }

    protected override bool OnForceFlush(int timeoutMilliseconds) => _batches.ForceFlush(timeoutMilliseconds);

    protected override bool OnShutdown(int timeoutMilliseconds) => _batches.Shutdown(timeoutMilliseconds);

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _batches.Dispose();
        }

        base.Dispose(disposing);
    }

    /// <summary>Counts what becomes of spans around the exporter that sends them.</summary>
    private sealed class Counter(BaseExporter<Activity> exporter, GatewayMetrics metrics, int most) : BaseExporter<Activity>
    {
        private int _inside;

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

        public override ExportResult Export(in Batch<Activity> batch)
        {
            var count = (int)batch.Count;
            var result = exporter.Export(batch);
            Interlocked.Add(ref _inside, -count);
            metrics.Spans(result == ExportResult.Success ? "exported" : "failed", count);
            return result;
        }

        protected override bool OnShutdown(int timeoutMilliseconds) => exporter.Shutdown(timeoutMilliseconds);

        protected override void Dispose(bool disposing)
        {
            if (disposing)
            {
                exporter.Dispose();
            }

            base.Dispose(disposing);
        }
    }
}
