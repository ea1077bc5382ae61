using LlmGateway.Telemetry;

namespace LlmGateway.Usage;

/// <summary>Counts records for which there was no room left. The request's thread only counts; the writer says it in the log.</summary>
internal sealed class LostRecords(GatewayMetrics metrics)
{
    private long _count;

    public long Count => Interlocked.Read(ref _count);

    public void Add(int count)
    {
        Interlocked.Add(ref _count, count);
        metrics.UsageRecords(UsageRecordResults.Lost, count);
    }
}
