namespace LlmGateway.Telemetry;

/// <summary>Counts of durations by bucket; a bucket's upper bound belongs to it.</summary>
internal sealed class HistogramSeries(long[] boundTicks)
{
    private readonly long[] _counts = new long[boundTicks.Length + 1];
    private long _sumTicks;

    public void Record(TimeSpan value)
    {
        var ticks = Math.Max(0, value.Ticks);
        var bucket = 0;
        while (bucket < boundTicks.Length && ticks > boundTicks[bucket])
        {
            bucket++;
        }

        Interlocked.Increment(ref _counts[bucket]);
        Interlocked.Add(ref _sumTicks, ticks);
    }

    /// <summary>Copies the counts of single buckets (not yet cumulative). The total is their sum, so that a scrape never contradicts itself.</summary>
    public void CopyTo(Span<long> counts, out TimeSpan sum)
    {
        sum = new(Interlocked.Read(ref _sumTicks));
        for (var i = 0; i < _counts.Length; i++)
        {
            counts[i] = Interlocked.Read(ref _counts[i]);
        }
    }
}
