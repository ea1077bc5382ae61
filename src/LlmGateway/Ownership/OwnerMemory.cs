using System.Collections.Concurrent;

namespace LlmGateway.Ownership;

/// <summary>
/// Owners that were met here lately. Two generations: when the younger one is full, it takes the place of the older, which is forgotten; what
/// is asked for moves to the younger. So it is bounded, and what is in use stays.
/// </summary>
/// <param name="most">Entries of one generation.</param>
internal sealed class OwnerMemory(int most = 50_000)
{
    private readonly Lock _turning = new();
    private volatile ConcurrentDictionary<string, string> _young = new(StringComparer.Ordinal);
    private volatile ConcurrentDictionary<string, string> _old = new(StringComparer.Ordinal);
    private int _count;

    public string? Find(string hash)
    {
        if (_young.TryGetValue(hash, out var owner))
        {
            return owner;
        }

        if (_old.TryGetValue(hash, out owner))
        {
            Set(hash, owner);
        }

        return owner;
    }

    public void Set(string hash, string owner)
    {
        var young = _young;
        if (!young.TryAdd(hash, owner))
        {
            young[hash] = owner;
            return;
        }

        if (Interlocked.Increment(ref _count) < most)
        {
            return;
        }

        lock (_turning)
        {
            if (ReferenceEquals(young, _young))
            {
                (_old, _young) = (young, new ConcurrentDictionary<string, string>(StringComparer.Ordinal));
                Volatile.Write(ref _count, 0);
            }
        }
    }
}
