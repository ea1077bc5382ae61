namespace LlmGateway.Routing;

/// <summary>
/// How fast one target has been lately. A new measurement weighs a fifth, more if the last one is long ago, so that a slow start is
/// forgotten. Threads add to it without a lock.
/// </summary>
internal sealed class TargetPace(TimeProvider time)
{
    /// <summary>Fewer measurements say nothing.</summary>
    public const int EnoughSamples = 3;

    private const double LeastWeight = 0.2;

    /// <summary>After this long, what was measured before counts for about a third of what it did.</summary>
    private static readonly TimeSpan Memory = TimeSpan.FromSeconds(60);

    private Measured _measured = new(0, TimeSpan.Zero, 0);
    private int _underWay;

    /// <summary>The average; null before there are enough measurements.</summary>
    public TimeSpan? Average => Volatile.Read(ref _measured) is { Samples: >= EnoughSamples } measured ? measured.Average : null;

    /// <summary>Time stamp of the latest measurement; 0 before the first.</summary>
    public long MeasuredAt => Volatile.Read(ref _measured).At;

    /// <summary>Whether measurements are missing, and not under way either.</summary>
    public bool WantsMeasurement => Volatile.Read(ref _measured).Samples + Volatile.Read(ref _underWay) < EnoughSamples;

    /// <summary>A request was sent here first in order to measure.</summary>
    public void BeginMeasurement() => Interlocked.Increment(ref _underWay);

    public void EndMeasurement() => Interlocked.Decrement(ref _underWay);

    public void Add(TimeSpan sample)
    {
        var now = time.GetTimestamp();
        Measured seen, next;
        do
        {
            seen = Volatile.Read(ref _measured);
            next = new Measured(seen.Samples + 1, seen.Average + ((sample - seen.Average) * Weight(seen, now)), now);
        }
        while (Interlocked.CompareExchange(ref _measured, next, seen) != seen);
    }

    // The first few weigh alike.
    private double Weight(Measured seen, long now) => seen.Samples < EnoughSamples
        ? 1.0 / (seen.Samples + 1)
        : 1 - ((1 - LeastWeight) * Math.Exp(-(time.GetElapsedTime(seen.At, now) / Memory)));

    private sealed record Measured(int Samples, TimeSpan Average, long At);
}
