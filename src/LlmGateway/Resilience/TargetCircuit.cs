using LlmGateway.Model;

namespace LlmGateway.Resilience;

/// <summary>
/// One target's circuit. It opens after some failures in a row, or when half of at least twenty calls in half a minute failed; after the
/// break one probe is let through, whose first token closes it and whose failure opens it anew. Closed, it costs a call two reads.
/// </summary>
internal sealed class TargetCircuit(TimeProvider time, Action<CircuitPosition, FailureReason, int> changed)
{
    /// <summary>Fewer calls than this tell nothing about the share that fails.</summary>
    private const int LeastCalls = 20;

    private readonly SlidingCount _ended = new(time);
    private long _openUntil;
    private int _isProbing;
    private int _failuresInRow;
    private int _generation;
    private int _lastReason;

    /// <summary>Failures since the last success.</summary>
    public int FailuresInRow => Volatile.Read(ref _failuresInRow);

    /// <summary>What the latest failure was.</summary>
    public FailureReason LastReason => (FailureReason)Volatile.Read(ref _lastReason);

    /// <summary>Counts up with every opening and closing: what a call from before tells is old news.</summary>
    public int Generation => Volatile.Read(ref _generation);

    public CircuitPosition Position => Volatile.Read(ref _openUntil) == 0 ? CircuitPosition.Closed
        : Volatile.Read(ref _isProbing) != 0 ? CircuitPosition.HalfOpen
        : CircuitPosition.Open;

    public bool IsClosed => Volatile.Read(ref _openUntil) == 0;

    /// <summary>Time until a probe may go through; zero when one may, or while one is under way.</summary>
    public TimeSpan Left => Volatile.Read(ref _openUntil) is not 0 and var until && until - time.GetTimestamp() is > 0 and var left
        ? TimeSpan.FromSeconds((double)left / time.TimestampFrequency)
        : TimeSpan.Zero;

    /// <summary>Asked while it is not closed: whether this call is the one that finds out. Whoever gets a true owes <see cref="Close"/>, <see cref="Failed"/> or <see cref="GiveBack"/>.</summary>
    public bool TryProbe()
    {
        var until = Volatile.Read(ref _openUntil);
        if (until == 0 || time.GetTimestamp() < until || Interlocked.CompareExchange(ref _isProbing, 1, 0) != 0)
        {
            return false;
        }

        if (Volatile.Read(ref _openUntil) != until)
        {
            // Another probe has ended in between.
            Volatile.Write(ref _isProbing, 0);
            return false;
        }

        changed(CircuitPosition.HalfOpen, LastReason, FailuresInRow);
        return true;
    }

    /// <summary>The probe has shown that the target works.</summary>
    public void Close()
    {
        _ended.Clear();
        Volatile.Write(ref _failuresInRow, 0);
        Interlocked.Increment(ref _generation);
        Volatile.Write(ref _openUntil, 0);
        Volatile.Write(ref _isProbing, 0);
        changed(CircuitPosition.Closed, FailureReason.None, 0);
    }

    /// <summary>A call has ended well.</summary>
    public void Succeeded()
    {
        _ended.Add(isMarked: false);
        if (Volatile.Read(ref _failuresInRow) != 0)
        {
            Volatile.Write(ref _failuresInRow, 0);
        }
    }

    /// <summary>A call has failed by the target's fault.</summary>
    /// <param name="reason">How.</param>
    /// <param name="generation"><see cref="Generation"/> as it was when the call began.</param>
    /// <param name="isProbe">Whether it was the one that was let through to find out.</param>
    /// <param name="config">When to open, and for how long.</param>
    public void Failed(FailureReason reason, int generation, bool isProbe, CircuitConfig config)
    {
        if (generation != Generation)
        {
            return;
        }

        Volatile.Write(ref _lastReason, (int)reason);
        _ended.Add(isMarked: true);
        var inRow = Interlocked.Increment(ref _failuresInRow);
        if (isProbe || (IsClosed && (inRow >= config.Failures || IsHalfFailing())))
        {
            Open(config.Break, inRow, isProbe);
        }
    }

    /// <summary>The probe told nothing: the next call may find out.</summary>
    public void GiveBack() => Volatile.Write(ref _isProbing, 0);

    private bool IsHalfFailing()
    {
        var (all, failed) = _ended.Sum();
        return all >= LeastCalls && failed * 2 >= all;
    }

    private void Open(TimeSpan length, int inRow, bool isProbe)
    {
        var until = time.GetTimestamp() + (long)(length.TotalSeconds * time.TimestampFrequency);
        if (isProbe)
        {
            Volatile.Write(ref _openUntil, until);
            Interlocked.Increment(ref _generation);
            Volatile.Write(ref _isProbing, 0);
        }
        else if (Interlocked.CompareExchange(ref _openUntil, until, 0) != 0)
        {
            return;
        }
        else
        {
            Interlocked.Increment(ref _generation);
        }

        changed(CircuitPosition.Open, LastReason, inRow);
    }
}
