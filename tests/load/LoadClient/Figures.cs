namespace LoadClient;

/// <summary>What one run of one workload against one target came to.</summary>
/// <param name="Requests">Answered in full.</param>
/// <param name="Events">Content chunks received.</param>
/// <param name="Lost">Requests that failed, and chunks that never came.</param>
/// <param name="Seconds">Wall time.</param>
/// <param name="ProcessorTime">Of the target alone.</param>
/// <param name="MedianLatency">From sending to the last byte.</param>
internal sealed record Figures(long Requests, long Events, long Lost, double Seconds, TimeSpan ProcessorTime, TimeSpan MedianLatency)
{
    public double RequestsPerSecond => Requests / Seconds;

    public double MicrosecondsPerRequest => ProcessorTime.TotalMicroseconds / Math.Max(1, Requests);

    public double MicrosecondsPerEvent => ProcessorTime.TotalMicroseconds / Math.Max(1, Events);
}
