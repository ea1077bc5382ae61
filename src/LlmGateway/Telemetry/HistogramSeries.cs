namespace LlmGateway.Telemetry;

/// <summary>Counts of durations by bucket; a bucket's upper bound belongs to it.</summary>
internal sealed class HistogramSeries(long[] boundTicks)
{
    private readonly long[] _counts = new long[boundTicks.Length + 1];
    private Exemplar?[]? _exemplars;
    private long _sumTicks;

    /// <param name="value">What was measured.</param>
    /// <param name="traceId">The trace that it belongs to; null: none, or one that nobody keeps.</param>
    public void Record(TimeSpan value, string? traceId = null)
    {
        var ticks = Math.Max(0, value.Ticks);
        var bucket = 0;
        while (bucket < boundTicks.Length && ticks > boundTicks[bucket])
        {
            bucket++;
        }

        Interlocked.Increment(ref _counts[bucket]);
        Interlocked.Add(ref _sumTicks, ticks);
        if (traceId is not null)
        {
            var exemplars = Volatile.Read(ref _exemplars) ?? Interlocked.CompareExchange(ref _exemplars, new Exemplar?[_counts.Length], null) ?? _exemplars;
            Volatile.Write(ref exemplars[bucket], new Exemplar(traceId, value));
        }
    }

    /// <summary>The latest exemplar of each bucket; empty where no measurement had a trace.</summary>
    public ReadOnlySpan<Exemplar?> Exemplars => Volatile.Read(ref _exemplars);

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
