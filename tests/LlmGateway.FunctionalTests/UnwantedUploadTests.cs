using System.IO.Compression;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text;
using LlmGateway.FunctionalTests.Infrastructure;

namespace LlmGateway.FunctionalTests;

/// <summary>Bodies that nobody wants are refused by their heads, and what is sent nevertheless goes nowhere (C08, D09).</summary>
public sealed class UnwantedUploadTests
{
    private const long Upload = 100_000_000;

    /// <summary>What a connection may still carry away: the buffers of two sockets.</summary>
    private const long MostTaken = 16_000_000;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("/v1/chat/completions", "Content-Length: 31000000")]
    [InlineData("/v1/chat/completions", "Transfer-Encoding: chunked")]
    [InlineData("/v1/files", "Content-Length: 31000000")]
    [InlineData("/v1/files", "Transfer-Encoding: chunked")]
    public async Task An_upload_with_a_wrong_key_is_refused_before_its_first_byte_and_stopped(string path, string length)
    {
        await using var provider = ScriptedProvider.Anything();
        await using var gateway = await new GatewayUnderTest().InProduction(provider).StartAsync();
        var address = new Uri(gateway.BaseUrl);
        using var limit = new CancellationTokenSource(Eventually.DefaultLimit);
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(address.Host, address.Port, limit.Token);
        await socket.SendAsync(Encoding.ASCII.GetBytes($"POST {path} HTTP/1.1\r\nHost: {address.Authority}\r\nAuthorization: Bearer wrong\r\nContent-Type: application/json\r\n{length}\r\n\r\n"), limit.Token);

        var answer = new byte[4096];
        var count = await socket.ReceiveAsync(answer, limit.Token);
        var taken = await SendUntilStoppedAsync(socket, limit.Token);

        Assert.StartsWith("HTTP/1.1 401 ", Encoding.ASCII.GetString(answer, 0, count), StringComparison.Ordinal);
        Assert.InRange(taken, 0, MostTaken);
        Assert.Empty(provider.Requests);
    }

    [Theory]
    [InlineData("/v1/chat/completions")]
    [InlineData("/agents/a/v1/chat/completions")]
    [InlineData("/v1/completions")]
    [InlineData("/v1/embeddings")]
    [InlineData("/v1/messages")]
    [InlineData("/v1/messages/count_tokens")]
    [InlineData("/api/chat")]
    [InlineData("/api/generate")]
    [InlineData("/api/embed")]
    [InlineData("/api/chat/message")]
    [InlineData("/api/chat/message/stream")]
    [InlineData("/api/agents/a/complete")]
    [InlineData("/admin/explain")]
    [InlineData("/admin/keys")]
    [InlineData("/v1/files")]
    public async Task A_packed_bomb_is_not_unpacked_anywhere(string path)
    {
        await using var provider = ScriptedProvider.Anything();
        await using var gateway = await new GatewayUnderTest().InProduction(provider).WithVariable("ADMIN_API_KEY", "sk-admin-key-of-the-test").WithAgents("""{"agents":{"a":{}}}""").StartAsync();
        var bomb = Bomb();
        foreach (var encoding in (string[])["gzip", "gzip, gzip", "br", "zstd", "nonsense"])
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = new ByteArrayContent(bomb) };
            request.Headers.TryAddWithoutValidation("Authorization", path.StartsWith("/admin", StringComparison.Ordinal) ? "Bearer sk-admin-key-of-the-test" : "Bearer sk-client");
            request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
            request.Content.Headers.TryAddWithoutValidation("Content-Encoding", encoding);

            using var response = await gateway.Client.SendAsync(request, Cancellation);

            Assert.Equal((encoding, 415), (encoding, (int)response.StatusCode));
        }

        Assert.Empty(provider.Requests);
    }

    /// <summary>Ten kilobytes that would be ten megabytes.</summary>
    private static byte[] Bomb()
    {
        using var packed = new MemoryStream();
        using (var packing = new GZipStream(packed, CompressionLevel.Optimal, leaveOpen: true))
        {
            packing.Write(new byte[10_000_000]);
        }

        Assert.InRange(packed.Length, 1, 20_000);
        return packed.ToArray();
    }

    /// <summary>Sends chunks until the gateway has closed, and answers how many bytes it could be rid of.</summary>
    private static async Task<long> SendUntilStoppedAsync(Socket socket, CancellationToken cancellation)
    {
        byte[] chunk = [.. "10000\r\n"u8, .. new byte[0x10000], .. "\r\n"u8];
        var sent = 0L;
        try
        {
            while (sent < Upload)
            {
                sent += await socket.SendAsync(chunk, cancellation);
            }
        }
        catch (SocketException)
        {
            // Closed: that is what is wanted.
        }

        return sent;
    }
}
