namespace LlmGateway.Limits;

/// <summary>
/// One key's use of its limits in this process. Every step takes the key's own lock for some tens of nanoseconds: steps of two keys never
/// meet, and several counters that change together without one would be hard to prove right.
/// </summary>
internal sealed class KeyState
{
    private readonly Lock _gate = new();
    private SlidingWindow? _requests;
    private SlidingWindow? _tokens;
    private long _running;

    /// <summary>Requests under way.</summary>
    public long Running => Interlocked.Read(ref _running);

    /// <summary>Takes a place and counts the request, or says which limit is in the way and counts nothing.</summary>
    public LimitReading Enter(in KeyLimits limits, long now)
    {
        lock (_gate)
        {
            var reading = Read(limits, now);
            if (limits.Requests is { } requests && reading.UsedRequests + 1 > requests)
            {
                return reading with { Refused = LimitKind.Requests, Wait = _requests!.WaitFor(now, 1, requests) };
            }

            if (limits.Tokens is { } tokens && reading.UsedTokens >= tokens)
            {
                return reading with { Refused = LimitKind.Tokens, Wait = _tokens!.WaitFor(now, 1, tokens) };
            }

            if (_running >= limits.Concurrency)
            {
                return reading with { Refused = LimitKind.Concurrency };
            }

            _running++;
            if (limits.Requests is null)
            {
                return reading;
            }

            (_requests ??= new SlidingWindow()).Add(now, 1);
            return reading with { UsedRequests = reading.UsedRequests + 1, ResetRequests = _requests.Reset(now) };
        }
    }

    /// <summary>Counts tokens that a request will use, as far as anybody can tell, or says that they are too many.</summary>
    public LimitReading CountTokens(long limit, long amount, long now)
    {
        lock (_gate)
        {
            var window = _tokens ??= new SlidingWindow();
            var used = window.Used(now);
            if (used + amount > limit)
            {
                return new LimitReading { Refused = LimitKind.Tokens, Wait = window.WaitFor(now, amount, limit), UsedTokens = used, ResetTokens = window.Reset(now) };
            }

            window.Add(now, amount);
            return new LimitReading { UsedTokens = used + amount, ResetTokens = window.Reset(now), TokensCountedAt = now };
        }
    }

    /// <summary>Gives the place back and puts what was really used in the place of what was counted.</summary>
    public void Leave(long countedAt, long difference, long now)
    {
        lock (_gate)
        {
            _running--;
            if (difference != 0)
            {
                (_tokens ??= new SlidingWindow()).Correct(countedAt, now, difference);
            }
        }
    }

    private LimitReading Read(in KeyLimits limits, long now) => new()
    {
        Limits = limits,
        UsedRequests = limits.Requests is null ? 0 : _requests?.Used(now) ?? 0,
        ResetRequests = limits.Requests is null ? 0 : _requests?.Reset(now) ?? 0,
        UsedTokens = limits.Tokens is null ? 0 : _tokens?.Used(now) ?? 0,
        ResetTokens = limits.Tokens is null ? 0 : _tokens?.Reset(now) ?? 0,
    };
}
