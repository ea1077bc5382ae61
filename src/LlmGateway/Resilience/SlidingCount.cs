namespace LlmGateway.Resilience;

/// <summary>Counts events, and those of them that are marked, over the last thirty seconds or so: six buckets of five seconds, each one number that threads add to without a lock.</summary>
internal sealed class SlidingCount(TimeProvider time)
{
    private const int Buckets = 6;
    private const int CountBits = 20;
    private const long CountMask = (1L << CountBits) - 1;
    private const long EpochMask = (1L << 23) - 1;

    // Each: epoch (23 bits), marked (20), all (20). A bucket of another epoch is empty.
    private readonly long[] _buckets = new long[Buckets];
    private readonly long _bucketLength = 5 * time.TimestampFrequency;

    public void Add(bool isMarked)
    {
        var epoch = Epoch();
        ref var bucket = ref _buckets[epoch % Buckets];
        long seen, next;
        do
        {
            seen = Interlocked.Read(ref bucket);
            var (all, marked) = seen >> (2 * CountBits) == epoch ? Read(seen) : default;
            next = (epoch << (2 * CountBits))
                | (Math.Min(CountMask, marked + (isMarked ? 1 : 0)) << CountBits)
                | Math.Min(CountMask, all + 1);
        }
        while (Interlocked.CompareExchange(ref bucket, next, seen) != seen);
    }

    public (long All, long Marked) Sum()
    {
        var epoch = Epoch();
        var (all, marked) = (0L, 0L);
        foreach (ref var bucket in _buckets.AsSpan())
        {
            var seen = Interlocked.Read(ref bucket);
            if (((epoch - (seen >> (2 * CountBits))) & EpochMask) < Buckets)
            {
                var counted = Read(seen);
                all += counted.All;
                marked += counted.Marked;
            }
        }

        return (all, marked);
    }

    /// <summary>Forgets all; what is counted at the same moment may stay.</summary>
    public void Clear()
    {
        foreach (ref var bucket in _buckets.AsSpan())
        {
            Interlocked.Exchange(ref bucket, 0);
        }
    }

    // Never 0, which is the epoch of an empty bucket, for the first half year of a clock.
    private long Epoch() => ((time.GetTimestamp() / _bucketLength) + Buckets) & EpochMask;

    private static (long All, long Marked) Read(long bucket) => (bucket & CountMask, (bucket >> CountBits) & CountMask);
}
