namespace LlmGateway.Resilience;

/// <summary>
/// The time limit of one attempt: to the first token, then between tokens, and not beyond the end of the whole request. One lazy timer
/// serves it all, so that a token costs a time stamp and no timer change. Time that the client takes to read is not the provider's, nor is
/// time for which this process itself stood still: a timer that fires late gives the attempt a moment more, once, in which what the provider
/// has sent meanwhile is read, be it beyond the request's end. So it is where the process has had less than half
/// of the time to run in.
/// </summary>
internal sealed class AttemptDeadline : IDisposable
{
    /// <summary>A timer that fires later than this after it was due tells of a standstill; a busy machine delays them by less.</summary>
    private static readonly TimeSpan OwnDelay = TimeSpan.FromMilliseconds(250);

    /// <summary>After a delay of its own the process gets at least so long to read what has come.</summary>
    private static readonly TimeSpan LeastGrace = TimeSpan.FromMilliseconds(100);

    /// <summary>The share of the limit that the process may get at most to catch up, and that it must have been late by to be the one at fault.</summary>
    private const int GraceShare = 4;

    private readonly TimeProvider _time;
    private readonly long _requestEnd;
    private readonly CancellationToken _ending;
    private readonly ProcessPulse? _pulse;
    private readonly CancellationTokenSource _cancellation;
    private readonly ITimer _timer;
    private long _limit;
    private long _windowStart;
    private long _windowBeats;
    private long _pausedAt;
    private long _dueAt;
    private bool _hadGrace;
    private bool _sleepsToEnd;
    private CancellationToken _keyEnd;
    private CancellationTokenRegistration _endingWithKey;
    private bool _isDisposed;

    /// <param name="time">The clock.</param>
    /// <param name="limit">Time to the first token, or for the whole answer.</param>
    /// <param name="requestEnd">Time stamp at which the request as a whole runs out.</param>
    /// <param name="pulse">Of this process; null: only a timer that is late tells of it.</param>
    /// <param name="cancellationToken">The client's own.</param>
    /// <param name="ending">The gateway's own: it is stopping, and has no more time.</param>
    public AttemptDeadline(TimeProvider time, TimeSpan limit, long requestEnd, ProcessPulse? pulse, CancellationToken cancellationToken, CancellationToken ending = default)
    {
        _time = time;
        _requestEnd = requestEnd;
        _ending = ending;
        _pulse = pulse;
        _cancellation = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, ending);
        _windowStart = time.GetTimestamp();
        _windowBeats = pulse?.Beats ?? 0;
        _limit = ToStamps(limit);
        _dueAt = Due();
        _timer = time.CreateTimer(static state => ((AttemptDeadline)state!).Check(), this, ToSpan(_dueAt - _windowStart), System.Threading.Timeout.InfiniteTimeSpan);
    }

    /// <summary>Cancelled when the limit has passed, when the client is gone, or when the gateway goes.</summary>
    public CancellationToken Token => _cancellation.Token;

    /// <summary>Whether it was time, not the client, that cancelled.</summary>
    public bool HasTimedOut { get; private set; }

    /// <summary>Whether this process had so little of the limit to run in that its passing tells nothing of the provider.</summary>
    public bool IsOwnFault { get; private set; }

    /// <summary>Whether this process has had so little of the time so far to run in.</summary>
    public bool IsStarved => IsStarvedAt(_time.GetTimestamp());

    /// <summary>Whether the gateway is stopping and has no more time for this attempt.</summary>
    public bool IsEnding => _ending.IsCancellationRequested;

    /// <summary>Whether the client's key is no longer in force.</summary>
    public bool IsKeyEnded => _keyEnd.IsCancellationRequested;

    public void ThrowIfEnding() => _ending.ThrowIfCancellationRequested();

    /// <summary>A token has come: from now on <paramref name="limit"/> counts to the next one.</summary>
    public void Restart(TimeSpan limit)
    {
        var stamps = ToStamps(limit);
        IsOwnFault = false;
        var now = _time.GetTimestamp();
        var isEarlier = stamps < _limit;
        Volatile.Write(ref _windowStart, now);
        Volatile.Write(ref _windowBeats, _pulse?.Beats ?? 0);
        Volatile.Write(ref _limit, stamps);
        if (isEarlier)
        {
            SetTimer(now);
        }
    }

    /// <summary>From now on, a stream that has begun, the attempt ends with its key, too.</summary>
    public void EndWith(CancellationToken keyEnd)
    {
        _keyEnd = keyEnd;
        _endingWithKey = keyEnd.UnsafeRegister(static state => ((AttemptDeadline)state!).Cancel(), this);
    }

    /// <summary>Nobody waits for the provider now.</summary>
    public void Pause() => Volatile.Write(ref _pausedAt, _time.GetTimestamp());

    public void Resume()
    {
        var pausedAt = Volatile.Read(ref _pausedAt);
        if (pausedAt != 0)
        {
            var now = _time.GetTimestamp();
            Volatile.Write(ref _windowStart, _windowStart + now - pausedAt);
            Volatile.Write(ref _pausedAt, 0);
            if (Volatile.Read(ref _sleepsToEnd))
            {
                _sleepsToEnd = false;
                SetTimer(now);
            }
        }
    }

    public void Dispose()
    {
        _isDisposed = true;
        _endingWithKey.Unregister();
        _timer.Dispose();
        _cancellation.Dispose();
    }

    private void Cancel()
    {
        try
        {
            _cancellation.Cancel();
        }
        catch (ObjectDisposedException)
        {
            // The attempt ended while its key did.
        }
    }

    private void Check()
    {
        if (_isDisposed)
        {
            return;
        }

        var now = _time.GetTimestamp();
        var late = now - Volatile.Read(ref _dueAt);
        var isPaused = Volatile.Read(ref _pausedAt) != 0 && now < _requestEnd;
        var end = isPaused ? _requestEnd : Due();
        Volatile.Write(ref _sleepsToEnd, isPaused);
        try
        {
            var isStarved = end <= now && IsStarvedAt(now);
            if (end <= now && !_hadGrace && (isStarved || late > ToStamps(OwnDelay)))
            {
                end = now + Grace(late, isStarved);
            }

            if (end > now)
            {
                SetTimer(now, end);
                if (isPaused && Volatile.Read(ref _pausedAt) == 0)
                {
                    // Resumed in the meantime, and not seen that the timer slept.
                    SetTimer(now);
                }

                return;
            }

            IsOwnFault |= isStarved;
            HasTimedOut = true;
            _cancellation.Cancel();
        }
        catch (ObjectDisposedException)
        {
            // The attempt ended while its timer fired.
        }
    }

    private bool IsStarvedAt(long now) => _pulse?.WasStarved(Volatile.Read(ref _windowBeats), now - Volatile.Read(ref _windowStart)) is true;

    /// <summary>The moment more that an attempt gets whose timer was late by so much, or whose process had no time; it is given once.</summary>
    private long Grace(long late, bool isStarved)
    {
        var share = Volatile.Read(ref _limit) / GraceShare;
        var least = ToStamps(LeastGrace);
        IsOwnFault = isStarved || late >= share;
        _hadGrace = true;
        return Math.Clamp(isStarved ? share : late, least, Math.Max(least, share));
    }

    private long Due() => Math.Min(Volatile.Read(ref _windowStart) + Volatile.Read(ref _limit), _requestEnd);

    private void SetTimer(long now) => SetTimer(now, Due());

    private void SetTimer(long now, long end)
    {
        Volatile.Write(ref _dueAt, end);
        _timer.Change(ToSpan(end - now), System.Threading.Timeout.InfiniteTimeSpan);
    }

    private long ToStamps(TimeSpan span) => (long)(span.TotalSeconds * _time.TimestampFrequency);

    // Rounded up to a whole millisecond: timers count in these, and one that fires early would only be set again.
    private TimeSpan ToSpan(long stamps) => TimeSpan.FromMilliseconds(Math.Max(0, Math.Ceiling(stamps * 1000.0 / _time.TimestampFrequency)));
}
