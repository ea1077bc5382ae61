using System.Runtime.InteropServices;

namespace LlmGateway.Api;

/// <summary>
/// The names of the large objects of one body, each with the number of its object. An open table of offsets: no name is copied, and a
/// million of them cost a few dozen nanoseconds each.
/// </summary>
internal sealed class NameTable
{
    private Slot[] _slots = new Slot[64];
    private int _count;

    /// <summary>Adds a name; false if the object has it already.</summary>
    /// <param name="names">What the offset counts in.</param>
    /// <param name="owner">The object's number, at least 1.</param>
    /// <param name="start">As of <see cref="NameBytes"/>.</param>
    /// <param name="length">In bytes.</param>
    public bool TryAdd(NameBytes names, int owner, int start, int length)
    {
        if (_count >= _slots.Length / 2)
        {
            Grow();
        }

        var name = names.Slice(start, length);
        var hash = Hash(owner, name);
        var slots = _slots;
        var i = hash & (slots.Length - 1);
        for (; slots[i].Owner != 0; i = (i + 1) & (slots.Length - 1))
        {
            ref var slot = ref slots[i];
            if (slot.Hash == hash && slot.Owner == owner && names.Slice(slot.Start, slot.Length).SequenceEqual(name))
            {
                return false;
            }
        }

        slots[i] = new Slot(owner, hash, start, length);
        _count++;
        return true;
    }

    /// <summary>By the process's secret: nobody outside can choose names that fall on one place.</summary>
    private static int Hash(int owner, ReadOnlySpan<byte> name)
    {
        var last = (name.Length & 1) == 0 ? -1 : name[^1];
        return HashCode.Combine(string.GetHashCode(MemoryMarshal.Cast<byte, char>(name)), last, owner);
    }

    private void Grow()
    {
        var slots = new Slot[_slots.Length * 2];
        foreach (var slot in _slots)
        {
            if (slot.Owner != 0)
            {
                var i = slot.Hash & (slots.Length - 1);
                while (slots[i].Owner != 0)
                {
                    i = (i + 1) & (slots.Length - 1);
                }

                slots[i] = slot;
            }
        }

        _slots = slots;
    }

    /// <summary>A free one has no owner.</summary>
    private readonly record struct Slot(int Owner, int Hash, int Start, int Length);
}
