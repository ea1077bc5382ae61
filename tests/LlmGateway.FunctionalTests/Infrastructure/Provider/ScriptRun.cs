using System.Globalization;
using System.Net.Sockets;
using System.Text;

namespace LlmGateway.FunctionalTests.Infrastructure;

/// <summary>One script being played on one connection: what its steps write through.</summary>
internal sealed class ScriptRun(Socket socket, RecordedRequest request, Func<Task> readBody, CancellationToken stopping)
{
    public RecordedRequest Request { get; } = request;

    public CancellationToken Stopping { get; } = stopping;

    public BodyFraming Framing { get; set; }

    /// <summary>Bytes are sent one at a time, each in a write of its own.</summary>
    public bool Drips { get; set; }

    /// <summary>The connection is used up: no further request is read from it.</summary>
    public bool IsOver { get; private set; }

    /// <summary>Reads the rest of the request (for scripts that answer early).</summary>
    public Task ReadBodyAsync() => readBody();

    public async Task WriteBodyAsync(ReadOnlyMemory<byte> bytes)
    {
        if (bytes.IsEmpty)
        {
            return;
        }

        if (Framing != BodyFraming.Chunked)
        {
            await SendAsync(bytes);
            return;
        }

        var size = bytes.Length.ToString("x", CultureInfo.InvariantCulture);
        await SendAsync((byte[])[.. Encoding.ASCII.GetBytes(size), .. "\r\n"u8, .. bytes.Span, .. "\r\n"u8]);
    }

    public async Task SendAsync(ReadOnlyMemory<byte> bytes)
    {
        var piece = Drips ? 1 : Math.Max(bytes.Length, 1);
        for (var sent = 0; sent < bytes.Length;)
        {
            var count = await socket.SendAsync(bytes.Slice(sent, Math.Min(piece, bytes.Length - sent)), Stopping);
            Request.Tally.CountBytes(count);
            sent += count;
        }
    }

    /// <summary>Ends the reply as its framing wants it.</summary>
    public async Task FinishAsync()
    {
        if (IsOver)
        {
            return;
        }

        switch (Framing)
        {
            case BodyFraming.Chunked:
                await SendAsync("0\r\n\r\n"u8.ToArray());
                break;
            case BodyFraming.Close or BodyFraming.None:
                Close();
                break;
        }
    }

    /// <summary>Orderly end of the connection (FIN).</summary>
    public void Close()
    {
        IsOver = true;
        socket.Shutdown(SocketShutdown.Send);
    }

    /// <summary>Hard end of the connection (RST): what was sent and not yet read may be lost to the peer.</summary>
    public void Reset()
    {
        IsOver = true;
        socket.LingerState = new LingerOption(true, 0);
        socket.Close();
    }
}
