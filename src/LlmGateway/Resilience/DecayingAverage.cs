namespace LlmGateway.Resilience;

/// <summary>An average that forgets: each new sample weighs a fifth, so that after a dozen the start of it is gone. Threads add to it without a lock.</summary>
internal sealed class DecayingAverage
{
    private const double Weight = 0.2;

    private long _value;
    private int _samples;

    /// <summary>How many samples were taken.</summary>
    public int Samples => Volatile.Read(ref _samples);

    /// <summary>Null before the first sample.</summary>
    public double? Value => Samples == 0 ? null : BitConverter.Int64BitsToDouble(Interlocked.Read(ref _value));

    public void Add(double sample)
    {
        // The first few weigh alike; then the newest weighs a fifth.
        var weight = Math.Max(Weight, 1.0 / Interlocked.Increment(ref _samples));
        long seen, next;
        do
        {
            seen = Interlocked.Read(ref _value);
            var old = BitConverter.Int64BitsToDouble(seen);
            next = BitConverter.DoubleToInt64Bits(old + ((sample - old) * weight));
        }
        while (Interlocked.CompareExchange(ref _value, next, seen) != seen);
    }
}
