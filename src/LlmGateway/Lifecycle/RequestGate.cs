namespace LlmGateway.Lifecycle;

/// <summary>
/// How many requests run at once, and how many wait for their turn; callers take turns, so that none of them has to wait for all that another
/// one sends. While there is room, entering and leaving cost one interlocked operation each; the lock is for those that wait.
/// </summary>
/// <param name="limit">Requests at once.</param>
/// <param name="queueLimit">Requests waiting beyond that.</param>
/// <param name="time">The clock of the wait.</param>
internal sealed class RequestGate(int limit, int queueLimit, TimeProvider time)
{
    /// <summary>Nobody waits longer than this: an answer after it would come too late for most.</summary>
    public static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(5);

    private readonly Lock _queueLock = new();
    private readonly FairQueue _queue = new(queueLimit);
    private readonly TaskCompletionSource _idle = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _running;
    private int _waiting;
    private volatile bool _isWatched;

    /// <summary>Requests inside.</summary>
    public int Running => Volatile.Read(ref _running);

    /// <summary>Enters if there is room and nobody waits for it.</summary>
    public bool TryEnter() => Volatile.Read(ref _waiting) == 0 && TryTake();

    /// <summary>
    /// Waits for room, in the caller's own lane; false: there is no place left for this caller, it has been given to one who had fewer, the wait
    /// was too long, or the client is gone.
    /// </summary>
    public async ValueTask<bool> WaitAsync(string caller, CancellationToken cancellationToken)
    {
        LinkedListNode<QueuePlace>? place;
        lock (_queueLock)
        {
            place = _queue.Add(caller, out var displaced);
            if (place is null)
            {
                return false;
            }

            // Only now, with the place counted, can no leaving request overlook it. Who is displaced leaves its count to the newcomer.
            if (displaced is null)
            {
                Interlocked.Increment(ref _waiting);
            }
            else
            {
                displaced.TrySetResult(false);
            }

            Admit();
        }

        try
        {
            return await place.Value.Task.WaitAsync(LongestWait, time, cancellationToken);
        }
        catch (Exception exception) when (exception is TimeoutException or OperationCanceledException)
        {
            GiveUp(place);
        }

        // Its turn may have come at the very last moment.
        return await place.Value.Task;
    }

    /// <summary>Every entry is followed by one of these, when all of the request's work is done.</summary>
    public void Leave()
    {
        Interlocked.Decrement(ref _running);
        if (Volatile.Read(ref _waiting) > 0)
        {
            lock (_queueLock)
            {
                Admit();
            }
        }

        if (_isWatched)
        {
            TellIfIdle();
        }
    }

    /// <summary>Completes once nobody is inside and nobody waits. To be called when nobody new is let in any more.</summary>
    public Task WhenIdleAsync()
    {
        _isWatched = true;
        Interlocked.MemoryBarrier();
        TellIfIdle();
        return _idle.Task;
    }

    /// <summary>Sends away all that wait.</summary>
    public void Disperse()
    {
        lock (_queueLock)
        {
            while (_queue.TakeNext() is { } next)
            {
                Interlocked.Decrement(ref _waiting);
                next.TrySetResult(false);
            }
        }

        TellIfIdle();
    }

    private bool TryTake()
    {
        var running = Volatile.Read(ref _running);
        while (running < limit)
        {
            var seen = Interlocked.CompareExchange(ref _running, running + 1, running);
            if (seen == running)
            {
                return true;
            }

            running = seen;
        }

        return false;
    }

    /// <summary>Under the lock.</summary>
    private void Admit()
    {
        while (_queue.Count > 0 && TryTake())
        {
            var next = _queue.TakeNext()!;
            Interlocked.Decrement(ref _waiting);
            next.TrySetResult(true);
        }
    }

    private void GiveUp(LinkedListNode<QueuePlace> place)
    {
        lock (_queueLock)
        {
            if (place.Value.TrySetResult(false))
            {
                _queue.Remove(place);
                Interlocked.Decrement(ref _waiting);
            }
        }
    }

    // In this order: who is let in is counted as running before it is no longer counted as waiting.
    private void TellIfIdle()
    {
        if (_isWatched && Volatile.Read(ref _waiting) == 0 && Volatile.Read(ref _running) == 0)
        {
            _idle.TrySetResult();
        }
    }
}
