namespace LlmGateway.Lifecycle;

/// <summary>
/// Keeps the heap from its limit: from a share of it on, nobody new is let in, and large bodies are let in only where there is room for
/// them, those that are on their way counted with what they will take. Where no limit is set nothing is refused.
/// </summary>
/// <remarks>
/// The heap is measured by whoever comes, every <see cref="Freshness"/> and before anybody is refused; in between, a request costs a few reads. What is measured
/// includes garbage: before anything is refused for it, garbage is collected, but only where a sixteenth of the limit may be garbage again, or
/// where that costs no more than a twentieth of the time. What was alive at the last collection may be garbage by now: bodies whose requests
/// are over are counted as such.
/// </remarks>
/// <param name="limit">Bytes that the heap may hold; null: as many as it likes.</param>
/// <param name="time">The clock of measurements.</param>
/// <param name="measure">Answers the bytes in use, garbage included.</param>
/// <param name="collect">Collects all garbage, and comes back when that is done.</param>
internal sealed class HeapGate(long? limit, TimeProvider time, Func<long> measure, Action collect)
{
    /// <summary>The share of the limit, in percent, above which nobody new is let in.</summary>
    public const int MostPercent = 85;

    /// <summary>For how long a measurement holds.</summary>
    public static readonly TimeSpan Freshness = TimeSpan.FromMilliseconds(50);

    private static readonly TimeSpan LeastBetweenCollections = TimeSpan.FromMilliseconds(100);

    private const int CollectionShare = 20;

    private const int WorthCollecting = 16;

    private readonly long _mark = limit is { } bytes ? bytes / 100 * MostPercent : long.MaxValue;
    private readonly Lock _collecting = new();
    private long _claimed;
    private long _measuredAt;
    private long _measured;
    private long _collectableAt;
    private long _alive;
    private long _ended;
    private volatile bool _isFull;

    /// <summary>The gate of this process' heap.</summary>
    public static HeapGate OfThisProcess(TimeProvider time) => new(HeapLimit.Find(), time, static () => GC.GetTotalMemory(forceFullCollection: false), Collect);

    /// <summary>Whether there is a limit at all.</summary>
    public bool IsLimited => limit is not null;

    /// <summary>Bytes that are set aside for bodies.</summary>
    public long Claimed => Interlocked.Read(ref _claimed);

    /// <summary>Whether there is room for one more request, its body aside.</summary>
    public bool HasRoom
    {
        get
        {
            if (limit is null)
            {
                return true;
            }

            if (IsStale())
            {
                _isFull = !FitsMeasured(0);
            }

            return !_isFull;
        }
    }

    /// <summary>Sets bytes aside for a body that is about to be read; false: there is no room for it now. What was taken is owed to <see cref="Return"/>.</summary>
    public bool TryTake(long bytes)
    {
        if (limit is null)
        {
            return true;
        }

        // Counted first, so that of two that come at once neither overlooks the other.
        Interlocked.Add(ref _claimed, bytes);
        if (Fits(Claimed))
        {
            return true;
        }

        Interlocked.Add(ref _claimed, -bytes);
        return false;
    }

    /// <summary>Gives back what is in the heap by now, or will not be.</summary>
    public void Return(long bytes)
    {
        if (limit is not null)
        {
            Interlocked.Add(ref _claimed, -bytes);
        }
    }

    /// <summary>Gives back what a body took whose request is over: it is garbage now, and worth collecting for whoever finds no room.</summary>
    public void ReturnEnded(long bytes)
    {
        Return(bytes);
        Interlocked.Add(ref _ended, bytes);
    }

    /// <summary>By the latest measurement, if it is fresh; what has come since then is counted as claimed.</summary>
    private bool Fits(long claimed) => (!IsStale() && Interlocked.Read(ref _measured) + claimed <= _mark) || FitsMeasured(claimed);

    /// <summary>True for one of those that ask: whoever is told so measures.</summary>
    private bool IsStale()
    {
        var measuredAt = Volatile.Read(ref _measuredAt);
        var now = time.GetTimestamp();
        return (measuredAt == 0 || time.GetElapsedTime(measuredAt, now) >= Freshness) && Interlocked.CompareExchange(ref _measuredAt, now, measuredAt) == measuredAt;
    }

    private long Measure()
    {
        var used = measure();
        Interlocked.Exchange(ref _measured, used);
        return used;
    }

    private bool FitsMeasured(long claimed)
    {
        var used = Measure();
        if (used + claimed <= _mark)
        {
            return true;
        }

        // Hopeless even without any garbage, or not worth the pause so soon.
        if (claimed > _mark || !_collecting.TryEnter())
        {
            return false;
        }

        try
        {
            var start = time.GetTimestamp();
            if (start < _collectableAt && used - _alive + Interlocked.Read(ref _ended) < limit / WorthCollecting)
            {
                return false;
            }

            Interlocked.Exchange(ref _ended, 0);
            collect();
            _alive = used = Measure();
            var end = time.GetTimestamp();
            _collectableAt = end + Math.Max((end - start) * CollectionShare, (long)(LeastBetweenCollections.TotalSeconds * time.TimestampFrequency));
        }
        finally
        {
            _collecting.Exit();
        }

        return used + claimed <= _mark;
    }

    // It comes before the heap's own last resort, which is the end of the process, and at a bounded rate.
    private static void Collect() => GC.Collect(GC.MaxGeneration, GCCollectionMode.Forced, blocking: true);
}
