using System.Runtime.CompilerServices;
using System.Threading.Tasks.Sources;
using LlmGateway.Providers.Wire;

namespace LlmGateway.Forwarding;

/// <summary>
/// A stream of events on its way to the client that says so when nothing comes: after 15 seconds of silence it gives a comment (<c>: ping</c>),
/// and again every 15 seconds, so that nobody on the way takes the connection for dead. All other bytes are the source's.
/// </summary>
/// <remarks>
/// A heartbeat comes only between two events and only to a reader that waits, which it does with a read of no bytes (YARP's way). The source's
/// own read goes on meanwhile, with its time limit; the reader's next wait takes it up again, and its outcome reaches the reader once. A token
/// costs a time stamp and no timer change: one lazy timer finds out how long the silence is. All reads bring the same token: it is the one
/// that ends a read of the source that a heartbeat has overtaken.
/// </remarks>
internal sealed class HeartbeatStream(Stream source, IDisposable owner, TimeProvider time) : ReadOnlyStream, IValueTaskSource<int>
{
    /// <summary>Silence after which the client gets a sign of life.</summary>
    public static readonly TimeSpan Interval = TimeSpan.FromSeconds(15);

    // What the source's waiting read and its reader are doing.
    private const int Idle = 0;
    private const int Waiting = 1;
    private const int Overtaken = 2;
    private const int Arrived = 3;
    private const int Abandoned = 4;

    private ManualResetValueTaskSourceCore<int> _wait;
    private ConfiguredValueTaskAwaitable<int>.ConfiguredValueTaskAwaiter _read;
    private Action? _onArrival;
    private ITimer? _timer;
    private TaskCompletionSource? _abandoned;
    private long _silentSince;
    private int _state;
    private int _pingLeft;
    private int _lastBytes;
    private bool _isDisposed;

    /// <summary>Once the stream is disposed: completes when its source is, which waits for a read under way.</summary>
    public Task SourceDisposed => _abandoned?.Task ?? Task.CompletedTask;

    private static ReadOnlySpan<byte> Ping => ": ping\n\n"u8;

    /// <summary>Whether what has passed ends with an empty line.</summary>
    private bool IsBetweenEvents => (_lastBytes & 0xFFFF) is 0x0A0A or 0x0D0D || (_lastBytes & 0xFFFFFF) == 0x0A0D0A;

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (_pingLeft > 0)
        {
            return new(GivePing(buffer.Span));
        }

        return buffer.IsEmpty ? WaitAsync(cancellationToken)
            : Volatile.Read(ref _state) == Idle ? PassAsync(buffer, cancellationToken)
            : PassBehindAsync(buffer, cancellationToken);
    }

    int IValueTaskSource<int>.GetResult(short token) => _wait.GetResult(token);

    ValueTaskSourceStatus IValueTaskSource<int>.GetStatus(short token) => _wait.GetStatus(token);

    void IValueTaskSource<int>.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _wait.OnCompleted(continuation, state, token, flags);

    /// <summary>The source is not to be disposed under its own read: where one is under way it goes when that has ended.</summary>
    protected override void Dispose(bool disposing)
    {
        if (disposing && !_isDisposed)
        {
            _isDisposed = true;
            _timer?.Dispose();
            if (!TryAbandon())
            {
                owner.Dispose();
            }
        }

        base.Dispose(disposing);
    }

    private int GivePing(Span<byte> buffer)
    {
        var count = Math.Min(buffer.Length, _pingLeft);
        Ping.Slice(Ping.Length - _pingLeft, count).CopyTo(buffer);
        _pingLeft -= count;
        return count;
    }

    private async ValueTask<int> PassAsync(Memory<byte> buffer, CancellationToken cancellationToken)
    {
        var read = await source.ReadAsync(buffer, cancellationToken);
        foreach (var one in buffer.Span[Math.Max(0, read - 3)..read])
        {
            _lastBytes = (_lastBytes << 8) | one;
        }

        return read;
    }

    private async ValueTask<int> PassBehindAsync(Memory<byte> buffer, CancellationToken cancellationToken)
    {
        _ = await WaitAsync(cancellationToken);
        return await ReadAsync(buffer, cancellationToken);
    }

    private ValueTask<int> WaitAsync(CancellationToken cancellationToken)
    {
        var isNew = Volatile.Read(ref _state) == Idle;
        if (isNew)
        {
            var read = source.ReadAsync(Memory<byte>.Empty, cancellationToken);
            if (read.IsCompleted)
            {
                return read;
            }

            _read = read.ConfigureAwait(false).GetAwaiter();
        }

        _wait.Reset();
        var version = _wait.Version;
        Volatile.Write(ref _silentSince, time.GetTimestamp());
        if (isNew)
        {
            _timer ??= time.CreateTimer(static stream => ((HeartbeatStream)stream!).Check(), this, Interval, Timeout.InfiniteTimeSpan);

            // A copy: the arrival may clear the field before this returns.
            var pending = _read;
            Volatile.Write(ref _state, Waiting);
            pending.UnsafeOnCompleted(_onArrival ??= OnArrival);
        }
        else if (Interlocked.CompareExchange(ref _state, Waiting, Overtaken) != Overtaken)
        {
            Volatile.Write(ref _state, Idle);
            Complete();
        }

        return new(this, version);
    }

    /// <summary>The source's read has ended: its reader gets the outcome, now or when it comes back for it.</summary>
    private void OnArrival()
    {
        while (true)
        {
            switch (Interlocked.CompareExchange(ref _state, Idle, Waiting))
            {
                case Waiting:
                    Complete();
                    return;
                case Abandoned:
                    Abandon();
                    return;
                default:
                    if (Interlocked.CompareExchange(ref _state, Arrived, Overtaken) == Overtaken)
                    {
                        return;
                    }

                    // The reader has come back, or gone, between the two.
                    break;
            }
        }
    }

    private void Complete()
    {
        int read;
        try
        {
            read = TakeRead();
        }
        catch (Exception exception)
        {
            _wait.SetException(exception);
            return;
        }

        _wait.SetResult(read);
    }

    private int TakeRead()
    {
        var read = _read;
        _read = default;
        return read.GetResult();
    }

    /// <summary>The timer: how long has it been silent?</summary>
    private void Check()
    {
        var next = Interval;

        // Whoever holds the reader's wait decides how it ends.
        if (Interlocked.CompareExchange(ref _state, Overtaken, Waiting) == Waiting)
        {
            var silence = time.GetElapsedTime(Volatile.Read(ref _silentSince));
            if (silence >= Interval && IsBetweenEvents)
            {
                _pingLeft = Ping.Length;
                _timer!.Change(Interval, Timeout.InfiniteTimeSpan);
                _wait.SetResult(0);
                return;
            }

            next = silence < Interval ? TimeSpan.FromMilliseconds(Math.Ceiling((Interval - silence).TotalMilliseconds)) : Interval;
            if (Interlocked.CompareExchange(ref _state, Waiting, Overtaken) == Arrived)
            {
                Volatile.Write(ref _state, Idle);
                Complete();
            }
        }

        if (!_isDisposed)
        {
            _timer!.Change(next, Timeout.InfiniteTimeSpan);
        }
    }

    /// <summary>Whether a read of the source is under way, that then disposes it when it ends.</summary>
    private bool TryAbandon()
    {
        var state = Volatile.Read(ref _state);
        while (state is Waiting or Overtaken)
        {
            _abandoned ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            var found = Interlocked.CompareExchange(ref _state, Abandoned, state);
            if (found == state)
            {
                if (state == Waiting)
                {
                    _wait.SetException(new ObjectDisposedException(nameof(HeartbeatStream)));
                }

                return true;
            }

            state = found;
        }

        if (state == Arrived)
        {
            EndRead();
        }

        _abandoned = null;
        return false;
    }

    private void Abandon()
    {
        EndRead();
        owner.Dispose();
        _abandoned!.SetResult();
    }

    /// <summary>Takes the outcome that nobody waits for any more, so that a failure does not stay unobserved.</summary>
    private void EndRead()
    {
        try
        {
            _ = TakeRead();
        }
        catch (Exception)
        {
            // Cancelled as a rule: the client has gone.
        }
    }
}
