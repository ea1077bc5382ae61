using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Net.Sockets;
using System.Text;

namespace LlmGateway.FunctionalTests.Infrastructure;

/// <summary>One connection of <see cref="Http2Provider"/>: reads frames, keeps the windows open, and sends what the test says.</summary>
internal sealed class Http2Connection(Socket socket, Http2Provider provider) : IAsyncDisposable
{
    private const int MostFrameBytes = 16 * 1024;

    private readonly ConcurrentDictionary<int, Http2Call> _calls = new();
    private readonly ConcurrentBag<Task> _answers = [];
    private readonly SemaphoreSlim _sending = new(1);

    public CancellationToken Stopping => provider.Stopping;

    public async Task ServeAsync()
    {
        socket.NoDelay = true;
        try
        {
            var preface = await ReadAsync(Http2Frame.Preface.Length);
            if (!preface.AsSpan().SequenceEqual(Http2Frame.Preface))
            {
                throw new ProtocolViolationException("No HTTP/2 preface: " + Encoding.Latin1.GetString(preface));
            }

            await SendAsync(Http2Frame.Settings, 0, 0, provider.MaxStreams is { } most ? Http2Frame.MaxStreams(most) : []);
            while (true)
            {
                await ReceiveAsync();
            }
        }
        catch (Exception gone) when (gone is SocketException or ObjectDisposedException or EndOfStreamException)
        {
            // Closed by one side or the other.
        }
        catch (ProtocolViolationException violation)
        {
            provider.Object(violation.Message);
            socket.Close();
        }

        foreach (var call in _calls.Values)
        {
            call.Cancel();
        }
    }

    public async Task SendAsync(byte type, byte flags, int streamId, byte[] payload)
    {
        await _sending.WaitAsync();
        try
        {
            await socket.SendAsync(Http2Frame.Of(type, flags, streamId, payload));
        }
        finally
        {
            _sending.Release();
        }
    }

    /// <summary>GOAWAY: streams above <paramref name="lastStreamId"/> were not taken.</summary>
    public Task GoAwayAsync(int lastStreamId, int error = Http2Frame.NoError) =>
        SendAsync(Http2Frame.GoAway, 0, 0, [.. Http2Frame.Number(lastStreamId), .. Http2Frame.Number(error)]);

    /// <summary>Ends the connection: in good order (FIN) or hard (RST).</summary>
    public void Cut(bool withReset)
    {
        if (withReset)
        {
            socket.LingerState = new LingerOption(true, 0);
            socket.Close();
            return;
        }

        socket.Shutdown(SocketShutdown.Send);
    }

    public async ValueTask DisposeAsync()
    {
        socket.Dispose();
        await Task.WhenAll(_answers);
        _sending.Dispose();
    }

    private async Task ReceiveAsync()
    {
        var head = await ReadAsync(Http2Frame.HeadLength);
        var length = (int)(BinaryPrimitives.ReadUInt32BigEndian(head) >> 8);
        var (type, flags, streamId) = (head[3], head[4], BinaryPrimitives.ReadInt32BigEndian(head.AsSpan(5)));
        if (length > MostFrameBytes)
        {
            throw new ProtocolViolationException($"A frame of {length} bytes.");
        }

        var payload = await ReadAsync(length);
        switch (type)
        {
            case Http2Frame.Settings or Http2Frame.Ping when (flags & Http2Frame.Ack) == 0:
                await SendAsync(type, Http2Frame.Ack, 0, type == Http2Frame.Ping ? payload : []);
                break;
            case Http2Frame.Headers:
                if ((flags & (Http2Frame.Padded | Http2Frame.Priority)) != 0)
                {
                    throw new ProtocolViolationException("Padding and priorities are not understood.");
                }

                Begin(streamId, flags, payload);
                break;
            case Http2Frame.Continuation:
                _calls[streamId].Head += Encoding.Latin1.GetString(payload);
                Hand(_calls[streamId], flags);
                break;
            case Http2Frame.Data:
                await TakeAsync(streamId, flags, payload);
                break;
            case Http2Frame.ResetStream:
                provider.CountReset();
                _calls[streamId].Cancel();
                break;
        }
    }

    private void Begin(int streamId, byte flags, byte[] payload)
    {
        var call = new Http2Call(this, streamId) { Head = Encoding.Latin1.GetString(payload) };
        _calls[streamId] = call;
        if ((flags & Http2Frame.EndStream) != 0)
        {
            call.EndBody();
        }

        Hand(call, flags);
    }

    /// <summary>The head is there: the call is the test's now, whether its body has come or not.</summary>
    private void Hand(Http2Call call, byte flags)
    {
        if ((flags & Http2Frame.EndHeaders) == 0)
        {
            return;
        }

        if (_calls.Values.Count(other => !other.IsOver) > provider.MaxStreams)
        {
            provider.CountRefusal();
            _answers.Add(call.ResetAsync(Http2Frame.RefusedStream));
            return;
        }

        _answers.Add(AnswerAsync(call));
    }

    private async Task AnswerAsync(Http2Call call)
    {
        try
        {
            await provider.AnswerAsync(call);
        }
        catch (Exception gone) when (gone is SocketException or ObjectDisposedException or OperationCanceledException)
        {
            // The gateway has closed, or the test is over.
        }
    }

    private async Task TakeAsync(int streamId, byte flags, byte[] payload)
    {
        var call = _calls[streamId];
        call.Receive(payload);
        if (payload.Length > 0)
        {
            await SendAsync(Http2Frame.WindowUpdate, 0, 0, Http2Frame.Number(payload.Length));
            await SendAsync(Http2Frame.WindowUpdate, 0, streamId, Http2Frame.Number(payload.Length));
        }

        if ((flags & Http2Frame.EndStream) != 0)
        {
            call.EndBody();
        }
    }

    private async Task<byte[]> ReadAsync(int count)
    {
        var bytes = new byte[count];
        for (var filled = 0; filled < count;)
        {
            var read = await socket.ReceiveAsync(bytes.AsMemory(filled));
            filled += read > 0 ? read : throw new EndOfStreamException();
        }

        return bytes;
    }
}
