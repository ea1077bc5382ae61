namespace LlmGateway.Resilience;

/// <summary>
/// The time limit of one attempt: to the first token, then between tokens, and never beyond the end of the whole request. One lazy timer
/// serves it all, so that a token costs a time stamp and no timer change. Time that the client takes to read is not the provider's.
/// </summary>
internal sealed class AttemptDeadline : IDisposable
{
    private readonly TimeProvider _time;
    private readonly long _requestEnd;
    private readonly CancellationToken _ending;
    private readonly CancellationTokenSource _cancellation;
    private readonly ITimer _timer;
    private long _limit;
    private long _windowStart;
    private long _pausedAt;
    private bool _sleepsToEnd;
    private bool _isDisposed;

    /// <param name="time">The clock.</param>
    /// <param name="limit">Time to the first token, or for the whole answer.</param>
    /// <param name="requestEnd">Time stamp at which the request as a whole runs out.</param>
    /// <param name="cancellationToken">The client's own.</param>
    /// <param name="ending">The gateway's own: it is stopping, and has no more time.</param>
    public AttemptDeadline(TimeProvider time, TimeSpan limit, long requestEnd, CancellationToken cancellationToken, CancellationToken ending = default)
    {
        _time = time;
        _requestEnd = requestEnd;
        _ending = ending;
        _cancellation = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, ending);
        _windowStart = time.GetTimestamp();
        _limit = ToStamps(limit);
        _timer = time.CreateTimer(static state => ((AttemptDeadline)state!).Check(), this, Left(_windowStart), System.Threading.Timeout.InfiniteTimeSpan);
    }

    /// <summary>Cancelled when the limit has passed, when the client is gone, or when the gateway goes.</summary>
    public CancellationToken Token => _cancellation.Token;

    /// <summary>Whether it was time, not the client, that cancelled.</summary>
    public bool HasTimedOut { get; private set; }

    /// <summary>Whether the gateway is stopping and has no more time for this attempt.</summary>
    public bool IsEnding => _ending.IsCancellationRequested;

    public void ThrowIfEnding() => _ending.ThrowIfCancellationRequested();

    /// <summary>A token has come: from now on <paramref name="limit"/> counts to the next one.</summary>
    public void Restart(TimeSpan limit)
    {
        var stamps = ToStamps(limit);
        var now = _time.GetTimestamp();
        var isEarlier = stamps < _limit;
        Volatile.Write(ref _windowStart, now);
        Volatile.Write(ref _limit, stamps);
        if (isEarlier)
        {
            _timer.Change(Left(now), System.Threading.Timeout.InfiniteTimeSpan);
        }
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
                _timer.Change(Left(now), System.Threading.Timeout.InfiniteTimeSpan);
            }
        }
    }

    public void Dispose()
    {
        _isDisposed = true;
        _timer.Dispose();
        _cancellation.Dispose();
    }

    private void Check()
    {
        if (_isDisposed)
        {
            return;
        }

        var now = _time.GetTimestamp();
        var isPaused = Volatile.Read(ref _pausedAt) != 0 && now < _requestEnd;
        var left = isPaused ? ToSpan(_requestEnd - now) : Left(now);
        Volatile.Write(ref _sleepsToEnd, isPaused);
        try
        {
            if (left > TimeSpan.Zero)
            {
                _timer.Change(left, System.Threading.Timeout.InfiniteTimeSpan);
                if (isPaused && Volatile.Read(ref _pausedAt) == 0)
                {
                    // Resumed in the meantime, and not seen that the timer slept.
                    _timer.Change(Left(now), System.Threading.Timeout.InfiniteTimeSpan);
                }

                return;
            }

            HasTimedOut = true;
            _cancellation.Cancel();
        }
        catch (ObjectDisposedException)
        {
            // The attempt ended while its timer fired.
        }
    }

    private TimeSpan Left(long now) => ToSpan(Math.Min(Volatile.Read(ref _windowStart) + Volatile.Read(ref _limit), _requestEnd) - now);

    private long ToStamps(TimeSpan span) => (long)(span.TotalSeconds * _time.TimestampFrequency);

    // Rounded up to a whole millisecond: timers count in these, and one that fires early would only be set again.
    private TimeSpan ToSpan(long stamps) => TimeSpan.FromMilliseconds(Math.Max(0, Math.Ceiling(stamps * 1000.0 / _time.TimestampFrequency)));
}
