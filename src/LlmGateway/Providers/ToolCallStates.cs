using System.Collections.Concurrent;

namespace LlmGateway.Providers;

/// <summary>
/// What a provider wants back with a tool call and OpenAI's form has no member for (Anthropic's signed thinking, Gemini's thought
/// signatures), kept by tool-call id for the length of a conversation. Bounded: the oldest goes first; what is gone is simply not given back.
/// </summary>
public sealed class ToolCallStates(TimeProvider time)
{
    /// <summary>Entries kept at most.</summary>
    public const int Capacity = 20_000;

    /// <summary>A longer state is not kept.</summary>
    public const int MaxStateBytes = 256 * 1024;

    /// <summary>Bytes kept at most, all entries together.</summary>
    public const long MaxTotalBytes = 64 * 1024 * 1024;

    private static readonly TimeSpan Lifetime = TimeSpan.FromHours(1);

    private readonly ConcurrentDictionary<Key, Entry> _states = new();
    private readonly ConcurrentQueue<Key> _order = new();
    private long _bytes;

    public int Count => _states.Count;

    /// <param name="tenant">The client key's name: one tenant never gets another's state.</param>
    /// <param name="provider">The provider that the state belongs to.</param>
    /// <param name="toolCallId">The id as the client knows it.</param>
    /// <param name="state">Opaque bytes.</param>
    public void Keep(string tenant, string provider, string toolCallId, ReadOnlyMemory<byte> state)
    {
        if (state.Length > MaxStateBytes)
        {
            return;
        }

        var key = new Key(tenant, provider, toolCallId);
        var entry = new Entry(state.ToArray(), time.GetTimestamp());
        if (_states.TryAdd(key, entry))
        {
            _order.Enqueue(key);
            Interlocked.Add(ref _bytes, state.Length);
        }
        else if (_states.TryGetValue(key, out var old) && _states.TryUpdate(key, entry, old))
        {
            Interlocked.Add(ref _bytes, state.Length - old.State.Length);
        }

        Trim();
    }

    public bool TryGet(string tenant, string provider, string toolCallId, out ReadOnlyMemory<byte> state)
    {
        var isKept = _states.TryGetValue(new Key(tenant, provider, toolCallId), out var entry) && time.GetElapsedTime(entry.Kept) < Lifetime;
        state = isKept ? entry.State : default;
        return isKept;
    }

    private void Trim()
    {
        while ((_states.Count > Capacity || Volatile.Read(ref _bytes) > MaxTotalBytes) && _order.TryDequeue(out var oldest))
        {
            if (_states.TryRemove(oldest, out var entry))
            {
                Interlocked.Add(ref _bytes, -entry.State.Length);
            }
        }
    }

    private readonly record struct Key(string Tenant, string Provider, string ToolCallId);

    private readonly record struct Entry(byte[] State, long Kept);
}
