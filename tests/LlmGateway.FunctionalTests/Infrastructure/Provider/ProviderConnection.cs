using System.Buffers;
using System.Diagnostics;
using System.Globalization;
using System.IO.Pipelines;
using System.Net.Sockets;
using System.Text;

namespace LlmGateway.FunctionalTests.Infrastructure;

/// <summary>
/// Reads requests from one accepted socket with a small, strict HTTP/1.1 parser of its own: what it does not understand is a violation,
/// because the only peer it has is the gateway.
/// </summary>
internal sealed class ProviderConnection : IAsyncDisposable
{
    private static readonly byte[] LineEnd = [(byte)'\r', (byte)'\n'];
    private static readonly byte[] HeadEnd = [.. LineEnd, .. LineEnd];

    private readonly Pipe _received = new(new PipeOptions(pauseWriterThreshold: 256 * 1024, resumeWriterThreshold: 128 * 1024, useSynchronizationContext: false));
    private readonly TaskCompletionSource<long> _peerClosed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Task _pump;

    public ProviderConnection(Socket socket)
    {
        Socket = socket;
        socket.NoDelay = true;
        _pump = PumpAsync();
    }

    public Socket Socket { get; }

    /// <summary>The next request's head; null when the peer has closed between two requests.</summary>
    public async Task<RecordedRequest?> ReadHeadAsync(CancellationToken cancellation)
    {
        if (await ReadThroughAsync(HeadEnd, cancellation) is not { } head)
        {
            return null;
        }

        var lines = Encoding.Latin1.GetString(head).Split("\r\n")[..^2];
        var start = lines[0].Split(' ');
        if (start.Length != 3 || start[2] != "HTTP/1.1")
        {
            throw new ProtocolViolationException($"Request line not understood: {lines[0]}");
        }

        var headers = new List<KeyValuePair<string, string>>(lines.Length);
        foreach (var line in lines.Skip(1))
        {
            var colon = line.IndexOf(':', StringComparison.Ordinal);
            if (colon < 1 || line.AsSpan(0, colon).ContainsAny(" \t") || line.AsSpan().ContainsAny('\n', '\r', '\0'))
            {
                throw new ProtocolViolationException($"Header line not understood: {line}");
            }

            headers.Add(new(line[..colon], line[(colon + 1)..].Trim(' ', '\t')));
        }

        return new RecordedRequest(start[0], start[1], headers, head, _peerClosed.Task);
    }

    public async Task ReadBodyAsync(RecordedRequest request, CancellationToken cancellation)
    {
        var length = request.Header("content-length");
        var encoding = request.Header("transfer-encoding");
        if (length is not null && encoding is not null)
        {
            throw new ProtocolViolationException("Content-Length and Transfer-Encoding together.");
        }

        request.Body = (length, encoding) switch
        {
            (null, null) => [],
            (_, "chunked") => await ReadChunksAsync(cancellation),
            (_, null) => await ReadExactlyAsync(int.Parse(length!, NumberStyles.None, CultureInfo.InvariantCulture), cancellation),
            _ => throw new ProtocolViolationException($"Transfer-Encoding {encoding} not understood."),
        };
    }

    /// <summary>Throws away what comes until the peer closes.</summary>
    public async Task DrainAsync(CancellationToken cancellation)
    {
        while (true)
        {
            var read = await _received.Reader.ReadAsync(cancellation);
            _received.Reader.AdvanceTo(read.Buffer.End);
            if (read.IsCompleted)
            {
                return;
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        Socket.Dispose();
        _received.Reader.CancelPendingRead();
        _received.Writer.CancelPendingFlush();
        await _pump;
    }

    /// <summary>Reads all the time, so that the peer's close is seen when it happens and not when the next request is wanted.</summary>
    private async Task PumpAsync()
    {
        try
        {
            while (true)
            {
                var count = await Socket.ReceiveAsync(_received.Writer.GetMemory(16 * 1024));
                if (count == 0)
                {
                    break;
                }

                _received.Writer.Advance(count);
                if (await _received.Writer.FlushAsync() is { IsCompleted: true } or { IsCanceled: true })
                {
                    break;
                }
            }
        }
        catch (Exception gone) when (gone is SocketException or ObjectDisposedException)
        {
            // A reset is a close as well.
        }

        _peerClosed.TrySetResult(Stopwatch.GetTimestamp());
        await _received.Writer.CompleteAsync();
    }

    private async Task<byte[]> ReadChunksAsync(CancellationToken cancellation)
    {
        var body = new ArrayBufferWriter<byte>();
        while (true)
        {
            var line = await ReadThroughAsync(LineEnd, cancellation) ?? throw new EndOfStreamException();
            var size = int.Parse(Encoding.Latin1.GetString(line.AsSpan(..^2)), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);
            body.Write(await ReadExactlyAsync(size, cancellation));
            if (!(await ReadExactlyAsync(2, cancellation)).AsSpan().SequenceEqual(LineEnd))
            {
                throw new ProtocolViolationException(size == 0 ? "Trailers are not expected." : "A chunk does not end where it said.");
            }

            if (size == 0)
            {
                return body.WrittenSpan.ToArray();
            }
        }
    }

    private async Task<byte[]> ReadExactlyAsync(int count, CancellationToken cancellation)
    {
        if (count == 0)
        {
            return [];
        }

        var read = await _received.Reader.ReadAtLeastAsync(count, cancellation);
        if (read.Buffer.Length < count)
        {
            throw new EndOfStreamException();
        }

        var bytes = read.Buffer.Slice(0, count).ToArray();
        _received.Reader.AdvanceTo(read.Buffer.GetPosition(count));
        return bytes;
    }

    private async Task<byte[]?> ReadThroughAsync(byte[] delimiter, CancellationToken cancellation)
    {
        while (true)
        {
            var read = await _received.Reader.ReadAsync(cancellation);
            var reader = new SequenceReader<byte>(read.Buffer);
            if (reader.TryReadTo(out ReadOnlySequence<byte> _, delimiter))
            {
                var bytes = read.Buffer.Slice(0, reader.Position).ToArray();
                _received.Reader.AdvanceTo(reader.Position);
                return bytes;
            }

            var isEmpty = read.Buffer.IsEmpty;
            _received.Reader.AdvanceTo(read.Buffer.Start, read.Buffer.End);
            if (read.IsCompleted)
            {
                return isEmpty ? null : throw new EndOfStreamException();
            }
        }
    }
}
