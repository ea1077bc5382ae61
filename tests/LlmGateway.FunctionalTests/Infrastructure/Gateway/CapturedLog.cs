using System.Text;

namespace LlmGateway.FunctionalTests.Infrastructure;

/// <summary>One gateway's log as it would stand on its standard output, line by line; each must be one JSON object.</summary>
internal sealed class CapturedLog : Stream
{
    private readonly Lock _lock = new();
    private readonly MemoryStream _bytes = new();

    public override bool CanRead => false;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    /// <summary>All of it, as written.</summary>
    public string Text
    {
        get
        {
            lock (_lock)
            {
                return Encoding.UTF8.GetString(_bytes.GetBuffer(), 0, (int)_bytes.Length);
            }
        }
    }

    public IReadOnlyList<LogLine> Lines => [.. Text.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(LogLine.Parse)];

    /// <summary>The first line that is wanted, waiting for it if need be: lines are written behind the requests' backs.</summary>
    public async Task<LogLine> WaitForAsync(Func<LogLine, bool> wanted, string what)
    {
        LogLine? found = null;
        await Eventually.TrueAsync(() => (found = Lines.FirstOrDefault(wanted)) is not null, what);
        return found!;
    }

    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    public override void Write(ReadOnlySpan<byte> buffer)
    {
        lock (_lock)
        {
            _bytes.Write(buffer);
        }
    }

    public override void Flush()
    {
    }

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();
}
