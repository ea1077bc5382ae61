namespace LlmGateway.Forwarding;

/// <summary>A provider's answer on its way through, watched and otherwise untouched.</summary>
internal sealed class WatchedStream(Stream source, PassthroughCall call) : Stream
{
    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        int read;
        try
        {
            read = await source.ReadAsync(buffer, cancellationToken);
        }
        catch (Exception exception) when (exception is IOException or HttpRequestException)
        {
            call.IsCut = true;
            throw;
        }

        // A read of no bytes only waits until there is something.
        if (read > 0)
        {
            call.Usage?.Watch(buffer.Span[..read]);
        }
        else if (!buffer.IsEmpty && !call.IsWhole)
        {
            call.IsWhole = true;
            call.Usage?.End();
        }

        return read;
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException("The stream is read asynchronously.");

    public override void Flush()
    {
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            call.Usage?.Dispose();
            source.Dispose();
        }

        base.Dispose(disposing);
    }
}
