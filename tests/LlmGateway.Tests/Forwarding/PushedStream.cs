using System.Text;

namespace LlmGateway.Tests.Forwarding;

/// <summary>A source that brings what the test pushes, when it does, in the pieces in which it was pushed; strict about its use by one reader at a time.</summary>
internal sealed class PushedStream : Stream
{
    private readonly Lock _gate = new();
    private readonly Queue<byte[]> _pieces = [];
    private TaskCompletionSource? _wait;
    private Exception? _failure;
    private bool _hasEnded;

    public bool IsDisposed { get; private set; }

    /// <summary>Whether it was ever read by two at once, or disposed under a read.</summary>
    public bool WasMisused { get; private set; }

    public bool IsBeingRead => _wait is not null;

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public void Push(string text) => Arrive(() => _pieces.Enqueue(Encoding.UTF8.GetBytes(text)));

    public void End() => Arrive(() => _hasEnded = true);

    public void Fail(Exception failure) => Arrive(() => _failure = failure);

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        var arrival = Begin();
        if (arrival is not null)
        {
            using var cancelling = cancellationToken.UnsafeRegister(static (wait, token) => ((TaskCompletionSource)wait!).TrySetCanceled(token), arrival);
            try
            {
                await arrival.Task;
            }
            finally
            {
                _wait = null;
            }
        }

        return Take(buffer.Span);
    }

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override void Flush()
    {
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        WasMisused |= IsBeingRead;
        IsDisposed = true;
        base.Dispose(disposing);
    }

    private void Arrive(Action arrival)
    {
        TaskCompletionSource? wait;
        lock (_gate)
        {
            arrival();
            wait = _wait;
        }

        wait?.TrySetResult();
    }

    private TaskCompletionSource? Begin()
    {
        lock (_gate)
        {
            WasMisused |= IsBeingRead || IsDisposed;
            return _wait = _pieces.Count > 0 || _hasEnded || _failure is not null ? null : new TaskCompletionSource();
        }
    }

    private int Take(Span<byte> buffer)
    {
        lock (_gate)
        {
            if (_pieces.Count == 0 && _failure is not null)
            {
                throw _failure;
            }

            if (buffer.IsEmpty || _pieces.Count == 0)
            {
                return 0;
            }

            var piece = _pieces.Dequeue();
            piece.CopyTo(buffer);
            return piece.Length;
        }
    }
}
