using System.Collections.Concurrent;

namespace LlmGateway.Sessions;

/// <summary>Sessions of this instance alone: all of them where nothing is shared, and what comes while the shared store is away. Bounded in bytes; the longest unused go first.</summary>
internal sealed class MemorySessions(TimeProvider time, long maxBytes = MemorySessions.DefaultMaxBytes)
{
    public const long DefaultMaxBytes = 256L << 20;

    /// <summary>What a session costs besides its messages.</summary>
    private const int Overhead = 512;

    private readonly ConcurrentDictionary<string, Session> _sessions = new(StringComparer.Ordinal);
    private long _bytes;
    private long _nextSweep;
    private int _isSweeping;

    public int Count => _sessions.Count;

    /// <summary>What an outage of the shared store has left here of a session; null: nothing. It is no use of the session.</summary>
    public MissedExchanges? Missed(string key, string owner) =>
        _sessions.TryGetValue(key, out var session) && session.Owner == owner && !IsExpired(session) ? new(session.Entries, session.Replaces) : null;

    /// <summary>Forgets what was handed over, unless more has come since.</summary>
    public void Forget(string key, MissedExchanges handedOver)
    {
        while (_sessions.TryGetValue(key, out var session) && ReferenceEquals(session.Entries, handedOver.Entries) && !Drop(key, session))
        {
            // Touched in the meantime.
        }
    }

    public SessionLookup Find(string key, string owner)
    {
        if (!_sessions.TryGetValue(key, out var session) || IsExpired(session))
        {
            return SessionLookup.Missing;
        }

        if (session.Owner != owner)
        {
            return SessionLookup.Foreign;
        }

        // Lost to another update only if that touched the session as well.
        _sessions.TryUpdate(key, session with { LastUse = time.GetTimestamp() }, session);
        return SessionLookup.Found(session.Entries);
    }

    /// <summary>Adds to a session or takes the place of what it holds, in one step; a missing one is made.</summary>
    public SessionState Append(string key, string owner, IReadOnlyList<SessionEntry> entries, bool replaces)
    {
        while (true)
        {
            var isThere = _sessions.TryGetValue(key, out var session);
            if (isThere && session!.Owner != owner && !IsExpired(session))
            {
                return SessionState.Foreign;
            }

            var isLive = isThere && !IsExpired(session!);
            var kept = SessionLimits.Trim(isLive && !replaces ? [.. session!.Entries, .. entries] : [.. entries]);
            var next = new Session(owner, kept, kept.Sum(static entry => (long)entry.Length) + Overhead, time.GetTimestamp(), replaces || (isLive && session!.Replaces));
            if (isThere ? _sessions.TryUpdate(key, next, session!) : _sessions.TryAdd(key, next))
            {
                Interlocked.Add(ref _bytes, next.Bytes - (isThere ? session!.Bytes : 0));
                SweepIfDue();
                return SessionState.Found;
            }
        }
    }

    public SessionState Remove(string key, string owner)
    {
        while (_sessions.TryGetValue(key, out var session) && !IsExpired(session))
        {
            if (session.Owner != owner)
            {
                return SessionState.Foreign;
            }

            if (Drop(key, session))
            {
                return SessionState.Found;
            }
        }

        return SessionState.Missing;
    }

    private bool IsExpired(Session session) => time.GetElapsedTime(session.LastUse) >= SessionLimits.Lifetime;

    private bool Drop(string key, Session session)
    {
        var isDropped = _sessions.TryRemove(new(key, session));
        if (isDropped)
        {
            Interlocked.Add(ref _bytes, -session.Bytes);
        }

        return isDropped;
    }

    /// <summary>Once a minute, or when there is too much: expired ones go, then the longest unused until a tenth is free.</summary>
    private void SweepIfDue()
    {
        var now = time.GetTimestamp();
        if ((Interlocked.Read(ref _bytes) <= maxBytes && now < Interlocked.Read(ref _nextSweep)) || Interlocked.Exchange(ref _isSweeping, 1) != 0)
        {
            return;
        }

        Interlocked.Exchange(ref _nextSweep, now + (60 * time.TimestampFrequency));
        foreach (var (key, session) in _sessions)
        {
            if (IsExpired(session))
            {
                Drop(key, session);
            }
        }

        if (Interlocked.Read(ref _bytes) > maxBytes)
        {
            foreach (var (key, session) in _sessions.OrderBy(static pair => pair.Value.LastUse))
            {
                if (Interlocked.Read(ref _bytes) <= maxBytes * 9 / 10)
                {
                    break;
                }

                Drop(key, session);
            }
        }

        Volatile.Write(ref _isSweeping, 0);
    }

    /// <param name="Owner">Whose it is.</param>
    /// <param name="Entries">Its messages.</param>
    /// <param name="Bytes">What it counts.</param>
    /// <param name="LastUse">When it was used last.</param>
    /// <param name="Replaces">Whether they begin with a client's own list, in whose favour all from before was forgotten.</param>
    private sealed record Session(string Owner, SessionEntry[] Entries, long Bytes, long LastUse, bool Replaces);
}
