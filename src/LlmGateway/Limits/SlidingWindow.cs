namespace LlmGateway.Limits;

/// <summary>
/// What was used in the last 60 seconds, in slots of a quarter of a second. A slot counts whole until its last moment is out of the window,
/// so that no 60 seconds, wherever they begin, ever hold more than the limit. Times are milliseconds of one clock that does not go back.
/// Not for several threads at once.
/// </summary>
internal sealed class SlidingWindow
{
    public const int WindowMilliseconds = 60_000;

    public const int SlotMilliseconds = 250;

    /// <summary>A slot of this age is out: the window's own slots, and the one that is being filled.</summary>
    public const int SlotsKept = (WindowMilliseconds / SlotMilliseconds) + 1;

    private readonly long[] _slots = new long[SlotsKept];
    private long _newest = long.MinValue / 2;
    private long _used;

    /// <summary>What counts at that time.</summary>
    public long Used(long now)
    {
        MoveTo(now / SlotMilliseconds);
        return _used;
    }

    public void Add(long now, long amount) => AddTo(now / SlotMilliseconds, now, amount);

    /// <summary>Corrects what was added earlier; what is out of the window already is let be, but for what came on top.</summary>
    public void Correct(long then, long now, long difference)
    {
        MoveTo(now / SlotMilliseconds);
        var slot = then / SlotMilliseconds;
        if (slot > _newest - SlotsKept)
        {
            AddTo(slot, now, difference);
        }
        else if (difference > 0)
        {
            AddTo(now / SlotMilliseconds, now, difference);
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

    private static long End(long slot) => (slot + SlotsKept) * SlotMilliseconds;

    private static int IndexOf(long slot) => (int)(((slot % SlotsKept) + SlotsKept) % SlotsKept);

    private void AddTo(long slot, long now, long amount)
    {
        MoveTo(now / SlotMilliseconds);
        _slots[IndexOf(slot)] += amount;
        _used += amount;
    }

    private void MoveTo(long slot)
    {
        if (slot - _newest >= SlotsKept)
        {
            Array.Clear(_slots);
            (_used, _newest) = (0, slot);
            return;
        }

        while (_newest < slot)
        {
            _newest++;
            _used -= _slots[IndexOf(_newest)];
            _slots[IndexOf(_newest)] = 0;
        }
    }
}
