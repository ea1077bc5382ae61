namespace LlmGateway.Limits;

/// <summary>
/// What was used in the last 60 seconds, in slots of a quarter of a second. A slot counts whole until the latest use in it is 60 seconds ago,
/// so that no 60 seconds, wherever they begin, ever hold more than the limit, and nobody waits for longer than 60. Times are milliseconds of
/// one clock that does not go back. Not for several threads at once.
/// </summary>
internal sealed class SlidingWindow
{
    public const int WindowMilliseconds = 60_000;

    public const int SlotMilliseconds = 250;

    /// <summary>A slot of this age is out, whenever it was filled: the window's own slots, and the one that is being filled.</summary>
    public const int SlotsKept = (WindowMilliseconds / SlotMilliseconds) + 1;

    private readonly long[] _slots = new long[SlotsKept];
    private readonly long[] _latest = new long[SlotsKept];
    private long _newest = long.MinValue / 2;
    private long _used;

    /// <summary>What counts at that time.</summary>
    public long Used(long now)
    {
        MoveTo(now);
        return _used;
    }

    public void Add(long now, long amount)
    {
        MoveTo(now);
        AddTo(now, amount);
    }

    /// <summary>Corrects what was added earlier; what is out of the window already is let be, but for what came on top.</summary>
    public void Correct(long then, long now, long difference)
    {
        MoveTo(now);
        if (then > now - WindowMilliseconds)
        {
            AddTo(then, difference);
        }
        else if (difference > 0)
        {
            AddTo(now, difference);
        }
    }

    /// <summary>Milliseconds until that much more fits under the limit; null where it never will.</summary>
    public long? WaitFor(long now, long needed, long limit)
    {
        var used = Used(now);
        if (needed > limit)
        {
            return null;
        }

        for (var slot = _newest - SlotsKept + 1; used + needed > limit && slot <= _newest; slot++)
        {
            used -= _slots[IndexOf(slot)];
            if (used + needed <= limit)
            {
                return End(slot) - now;
            }
        }

        return 0;
    }

    /// <summary>Milliseconds until nothing of now counts any more.</summary>
    public long Reset(long now)
    {
        if (Used(now) == 0)
        {
            return 0;
        }

        var slot = _newest;
        while (slot > _newest - SlotsKept && _slots[IndexOf(slot)] == 0)
        {
            slot--;
        }

        return End(slot) - now;
    }

    /// <summary>When nothing of the slot counts any more.</summary>
    private long End(long slot) => _latest[IndexOf(slot)] + WindowMilliseconds;

    private static int IndexOf(long slot) => (int)(((slot % SlotsKept) + SlotsKept) % SlotsKept);

    private void AddTo(long time, long amount)
    {
        var index = IndexOf(time / SlotMilliseconds);
        _slots[index] += amount;
        _latest[index] = Math.Max(_latest[index], time);
        _used += amount;
    }

    private void MoveTo(long now)
    {
        var slot = now / SlotMilliseconds;
        if (slot - _newest >= SlotsKept)
        {
            Array.Clear(_slots);
            Array.Clear(_latest);
            (_used, _newest) = (0, slot);
            return;
        }

        while (_newest < slot)
        {
            Clear(IndexOf(++_newest));
        }

        var oldest = IndexOf(_newest - SlotsKept + 1);
        if (_latest[oldest] <= now - WindowMilliseconds)
        {
            Clear(oldest);
        }
    }

    private void Clear(int index)
    {
        _used -= _slots[index];
        (_slots[index], _latest[index]) = (0, 0);
    }
}
