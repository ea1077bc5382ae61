using System.Globalization;
using System.Net.Sockets;
using System.Text;

namespace LlmGateway.FunctionalTests.Infrastructure;

/// <summary>Sends what no HTTP library would: heads of the test's own making, byte for byte.</summary>
internal static class RawClient
{
    /// <summary>One POST of a chat request on a connection of its own, closed after the answer.</summary>
    public static Task<RawAnswer> PostAsync(Uri gateway, byte[] body, params string[] headerLines) =>
        SendAsync(gateway, Head("POST /v1/chat/completions HTTP/1.1", gateway, [.. headerLines, string.Create(CultureInfo.InvariantCulture, $"Content-Length: {body.Length}")]), body);

    /// <summary>Request line and headers, with Host and Connection: close in front of the test's own lines.</summary>
    public static string Head(string requestLine, Uri gateway, params string[] headerLines) =>
        requestLine + "\r\nHost: " + gateway.Authority + "\r\nConnection: close\r\n" + string.Concat(headerLines.Select(line => line + "\r\n")) + "\r\n";

    /// <summary>Sends and reads until the gateway closes.</summary>
    public static async Task<RawAnswer> SendAsync(Uri gateway, string head, byte[]? body = null)
    {
        using var limit = new CancellationTokenSource(Eventually.DefaultLimit);
        using var socket = await ConnectAsync(gateway, limit.Token);
        await socket.SendAsync(Encoding.Latin1.GetBytes(head), limit.Token);
        await socket.SendAsync(body ?? [], limit.Token);
        return new RawAnswer(await ReadToEndAsync(socket, limit.Token));
    }

    /// <summary>Sends a head that promises a body, sends the body only if it is asked for it, and reads one JSON answer.</summary>
    public static async Task<(string FirstLine, string All)> SendHeadAsync(Uri gateway, string head, byte[] bodyOnceAsked)
    {
        using var limit = new CancellationTokenSource(Eventually.DefaultLimit);
        using var socket = await ConnectAsync(gateway, limit.Token);
        await socket.SendAsync(Encoding.Latin1.GetBytes(head), limit.Token);
        var buffer = new byte[4096];
        var text = "";
        var isSent = false;

        // All answers here are JSON: a brace at the end is the end.
        while (!text.EndsWith('}'))
        {
            var count = await socket.ReceiveAsync(buffer, limit.Token);
            Assert.True(count > 0, "Closed before the answer was whole: " + text);
            text += Encoding.Latin1.GetString(buffer, 0, count);
            if (!isSent && text.StartsWith("HTTP/1.1 100 ", StringComparison.Ordinal))
            {
                isSent = true;
                await socket.SendAsync(bodyOnceAsked, limit.Token);
            }
        }

        return (text[..text.IndexOf("\r\n", StringComparison.Ordinal)], text);
    }

    private static async Task<Socket> ConnectAsync(Uri gateway, CancellationToken cancellation)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(gateway.Host, gateway.Port, cancellation);
        return socket;
    }

    private static async Task<byte[]> ReadToEndAsync(Socket socket, CancellationToken cancellation)
    {
        using var all = new MemoryStream();
        var buffer = new byte[16 * 1024];
        try
        {
            while (await socket.ReceiveAsync(buffer, cancellation) is > 0 and var count)
            {
                all.Write(buffer, 0, count);
            }
        }
        catch (SocketException reset) when (reset.SocketErrorCode == SocketError.ConnectionReset && all.Length > 0)
        {
            // The answer was whole; what was still under way to the gateway met a closed socket.
        }

        return all.ToArray();
    }
}
