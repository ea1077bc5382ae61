using System.Net;
using System.Net.Sockets;
using System.Text;

namespace LlmGateway.FunctionalTests.Infrastructure;

/// <summary>A client on a bare socket that the test holds: it reads slowly, or leaves half-way.</summary>
internal static class LeavingClient
{
    public static async Task ConnectAsync(Socket socket, ProductionStage stage)
    {
        socket.NoDelay = true;
        await socket.ConnectAsync(IPAddress.Loopback, new Uri(stage.Gateway.BaseUrl).Port);
    }

    /// <summary>Sends a chat request; of the body no more than <paramref name="bytes"/>.</summary>
    public static async Task SendAsync(Socket socket, ProductionStage stage, string body, int bytes = int.MaxValue)
    {
        var content = Encoding.UTF8.GetBytes(body);
        var head = $"POST {ProductionStage.Path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {stage.ClientKey}\r\nContent-Type: application/json\r\nContent-Length: {content.Length}\r\n\r\n";
        await socket.SendAsync(Encoding.ASCII.GetBytes(head));
        await socket.SendAsync(content.AsMemory(0, Math.Min(bytes, content.Length)));
    }

    /// <summary>Reads a chunked answer to its last chunk.</summary>
    public static async Task<string> ReadToDoneAsync(Socket socket)
    {
        using var limit = new CancellationTokenSource(Eventually.DefaultLimit);
        var text = new StringBuilder();
        var buffer = new byte[64 * 1024];
        var tail = "";
        while (!tail.EndsWith("0\r\n\r\n", StringComparison.Ordinal) && await socket.ReceiveAsync(buffer, limit.Token) is > 0 and var read)
        {
            var piece = Encoding.Latin1.GetString(buffer, 0, read);
            text.Append(piece);
            tail = (tail + piece)[^Math.Min(tail.Length + piece.Length, 16)..];
        }

        return text.ToString();
    }

    /// <summary>The body of a chunked answer that was read raw.</summary>
    public static string Dechunked(string answer)
    {
        var rest = answer.AsSpan(answer.IndexOf("\r\n\r\n", StringComparison.Ordinal) + 4);
        var body = new StringBuilder();
        while (true)
        {
            var end = rest.IndexOf("\r\n");
            var size = Convert.ToInt32(rest[..end].ToString(), 16);
            if (size == 0)
            {
                return body.ToString();
            }

            body.Append(rest.Slice(end + 2, size));
            rest = rest[(end + 2 + size + 2)..];
        }
    }

    /// <summary>Leaves with a reset, as a process that dies does.</summary>
    public static void Reset(Socket socket)
    {
        socket.LingerState = new LingerOption(true, 0);
        socket.Close();
    }
}
