namespace LlmGateway.Resilience;

/// <summary>
/// Tells whether this process gets to run: a timer beats at a short period, and goes the way of all that waits here, through the pool. A
/// process that is stopped now and then, held to a share of a processor, or with more to do than its processors can, misses beats.
/// </summary>
internal sealed class ProcessPulse : IDisposable
{
    /// <summary>Several to each period of a quota, which is a tenth of a second as a rule; a busy machine delays timers by less.</summary>
    private static readonly TimeSpan Period = TimeSpan.FromMilliseconds(25);

    /// <summary>Of the beats that were due, one in so many must have come.</summary>
    private const int LeastShare = 2;

    private readonly ITimer _timer;
    private readonly long _period;
    private long _beats;

    public ProcessPulse(TimeProvider time)
    {
        _period = (long)(Period.TotalSeconds * time.TimestampFrequency);

        // Set anew by each beat: a periodic timer makes up for beats that it has missed.
        _timer = time.CreateTimer(static state => ((ProcessPulse)state!).Beat(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        _timer.Change(Period, Timeout.InfiniteTimeSpan);
    }

    /// <summary>How many there have been.</summary>
    public long Beats => Volatile.Read(ref _beats);

    /// <summary>Whether the process was kept from running for more than half of a time.</summary>
    /// <param name="before">What <see cref="Beats"/> was when that time began.</param>
    /// <param name="elapsed">Its length in time stamps.</param>
    public bool WasStarved(long before, long elapsed) => (Beats - before + 1) * _period * LeastShare < elapsed;

    public void Dispose() => _timer.Dispose();

    private void Beat()
    {
        Interlocked.Increment(ref _beats);
        _timer.Change(Period, Timeout.InfiniteTimeSpan);
    }
}
