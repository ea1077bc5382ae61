using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;
using LlmGateway.FunctionalTests.Infrastructure;

namespace LlmGateway.FunctionalTests;

/// <summary>
/// What comes over the wire and is no proper HTTP, or a little too much of it. What counts is that nobody else notices, and that what goes
/// to a provider is built afresh: no byte of a doubtful request gets there.
/// </summary>
public sealed class WireTests
{
    private const string Hidden = "POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 57\r\n\r\n{\"messages\":[{\"role\":\"user\",\"content\":\"was smuggled in\"}]}";
    private const string Body = """{"messages":[{"role":"user","content":"hi"}]}""";

    /// <summary>Sent last: whoever has understood where the request before it ends answers it, with 404, and closes.</summary>
    private const string Goodbye = "GET /goodbye HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("both lengths", "Content-Length: 4\r\nTransfer-Encoding: chunked", "0\r\n\r\n" + Hidden)]
    [InlineData("both lengths, long", "Content-Length: 400\r\nTransfer-Encoding: chunked", "0\r\n\r\n" + Hidden)]
    [InlineData("two lengths", "Content-Length: 45\r\nContent-Length: 4", Body + Hidden)]
    [InlineData("a list of lengths", "Content-Length: 45, 45", Body)]
    [InlineData("a signed length", "Content-Length: +45", Body + Hidden)]
    [InlineData("a negative length", "Content-Length: -1", Hidden)]
    [InlineData("an odd coding", "Transfer-Encoding: xchunked", "2d\r\n" + Body + "\r\n0\r\n\r\n")]
    [InlineData("codings in the wrong order", "Transfer-Encoding: chunked, identity", "2d\r\n" + Body + "\r\n0\r\n\r\n")]
    [InlineData("two codings", "Transfer-Encoding: gzip, chunked", "2d\r\n" + Body + "\r\n0\r\n\r\n")]
    [InlineData("a space before the colon", "Content-Length : 45", Body + Hidden)]
    [InlineData("a folded header", "X-Folded: a\r\n b\r\nContent-Length: 45", Body)]
    [InlineData("a chunk size out of range", "Transfer-Encoding: chunked", "fffffffffffffffff\r\n" + Hidden)]
    [InlineData("a negative chunk size", "Transfer-Encoding: chunked", "-2d\r\n" + Hidden)]
    [InlineData("a chunk size with a bare line feed", "Transfer-Encoding: chunked", "2d\n" + Body + "\r\n0\r\n\r\n")]
    [InlineData("a chunk extension with a bare line feed", "Transfer-Encoding: chunked", "2d;a\n" + Body + "\r\n0\r\n\r\n" + Hidden)]
    [InlineData("a chunk without its end", "Transfer-Encoding: chunked", "2d\r\n" + Body + "0\r\n\r\n" + Hidden)]
    [InlineData("forbidden trailers", "Transfer-Encoding: chunked", "2d\r\n" + Body + "\r\n0\r\nAuthorization: Bearer other\r\nContent-Length: 400\r\n\r\n")]
    public async Task Nothing_is_smuggled_past_the_end_of_a_request(string what, string headers, string rest)
    {
        await using var provider = ScriptedProvider.OpenAi().AlwaysAnswers(_ => Script.Json(OpenAiReplies.Completion("hi")));
        await using var gateway = await StartAsync(provider);
        var address = new Uri(gateway.BaseUrl);

        var answer = await SendAsync(address, $"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n{headers}\r\n\r\n{rest}{Goodbye}");
        using var marker = await gateway.SendAsync("/v1/chat/completions", Body.Replace("hi", "marker", StringComparison.Ordinal));

        Assert.True(answer.Length == 0 || answer.StartsWith("HTTP/1.1 ", StringComparison.Ordinal), $"{what}: {answer}");
        Assert.DoesNotContain("HTTP/1.1 500", answer, StringComparison.Ordinal);
        Assert.InRange(CountOf(answer, "HTTP/1.1 200"), 0, 1);
        Assert.Equal(HttpStatusCode.OK, marker.StatusCode);
        Assert.DoesNotContain(provider.Requests, request => request.Text.Contains("smuggled", StringComparison.Ordinal));
        Assert.All(provider.Requests, request => Assert.Equal(request.Body!.Length.ToString(System.Globalization.CultureInfo.InvariantCulture), request.Header("content-length")));
        Assert.All(provider.Requests, request => Assert.Null(request.Header("transfer-encoding")));
        Assert.Contains("marker", provider.Requests[^1].Text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("a\0b")]
    [InlineData("a\rb")]
    [InlineData("a\u0001b")]
    [InlineData("a\u001b[31mb")]
    [InlineData("a\u007fb")]
    [InlineData("a\u00ffb")]
    [InlineData("a\nX-Evil: b")]
    public async Task Odd_bytes_in_a_header_reach_no_log_and_no_provider(string value)
    {
        await using var provider = ScriptedProvider.OpenAi().AlwaysAnswers(_ => Script.Json(OpenAiReplies.Completion("hi")));
        await using var gateway = await StartAsync(provider);

        foreach (var name in (string[])["X-Request-Id", "X-User-Id", "X-Agent-Profile", "X-Session-Id", "X-LLM-Strategy", "traceparent", "User-Agent"])
        {
            var answer = await SendAsync(new Uri(gateway.BaseUrl), $"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: {Body.Length}\r\n{name}: {value}\r\n\r\n{Body}");
            Assert.Matches("^HTTP/1.1 (200|400|404) ", answer);
        }

        await gateway.StopAsync();
        Assert.All(gateway.Log.Lines, line => Assert.NotNull(line));
        Assert.DoesNotContain(gateway.Log.Text, character => character is '\u001b' or '\u0001' or '\u007f' or '\r' or '\0');
        Assert.All(provider.Requests, request => Assert.DoesNotContain(request.Headers, header => header.Key.Equals("x-evil", StringComparison.OrdinalIgnoreCase) || header.Value.Any(char.IsControl)));
    }

    [Theory]
    [InlineData("a header of 33 KB", "431")]
    [InlineData("101 headers", "431")]
    [InlineData("a cookie of 200 KB", "431")]
    [InlineData("an address of 9 KB", "414")]
    public async Task Too_much_head_is_refused(string what, string status)
    {
        await using var gateway = await new GatewayUnderTest().StartAsync();
        var (path, lines) = what switch
        {
            "a header of 33 KB" => ("/health/live", "X-Long: " + new string('x', 33 * 1024) + "\r\n"),
            "101 headers" => ("/health/live", string.Concat(Enumerable.Range(0, 101).Select(i => $"X-{i}: 1\r\n"))),
            "a cookie of 200 KB" => ("/health/live", "Cookie: " + new string('x', 200 * 1024) + "\r\n"),
            _ => ("/health/live?" + new string('x', 9 * 1024), ""),
        };

        var answer = await SendAsync(new Uri(gateway.BaseUrl), $"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{lines}\r\n");

        // What the gateway no longer reads may reset the connection before its answer has been read.
        Assert.True(answer.StartsWith("HTTP/1.1 " + status, StringComparison.Ordinal) || (answer.Length == 0 && lines.Length > 64 * 1024), answer);
        Assert.Equal(HttpStatusCode.OK, await HealthAsync(gateway));
    }

    [Theory]
    [InlineData("TRACE /v1/chat/completions", "404|405")]
    [InlineData("CONNECT localhost:443", "400|404|405")]
    [InlineData("BREW /v1/chat/completions", "404|405")]
    [InlineData("OPTIONS *", "400|404|405")]
    public async Task Methods_that_nobody_serves_are_refused(string request, string statuses)
    {
        await using var gateway = await new GatewayUnderTest().StartAsync();

        var answer = await SendAsync(new Uri(gateway.BaseUrl), $"{request} HTTP/1.1\r\nHost: {(request.StartsWith("CONNECT", StringComparison.Ordinal) ? "localhost:443" : "localhost")}\r\nConnection: close\r\nX-Secret: mirrored\r\n\r\n");

        Assert.Matches($"^HTTP/1.1 ({statuses}) ", answer);
        Assert.DoesNotContain("mirrored", answer, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_method_of_three_hundred_letters_is_refused()
    {
        await using var gateway = await new GatewayUnderTest().StartAsync();

        var answer = await SendAsync(new Uri(gateway.BaseUrl), $"{new string('M', 300)} /v1/models HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");

        Assert.Matches("^HTTP/1.1 (400|404|405) ", answer);
    }

    [Theory]
    [InlineData("a/admin?x=")]
    [InlineData("a#b")]
    [InlineData("user@localhost")]
    [InlineData("localhost\r\nHost: evil.example")]
    [InlineData("")]
    public async Task A_host_that_is_none_is_refused(string host)
    {
        await using var gateway = await new GatewayUnderTest().StartAsync();

        var answer = await SendAsync(new Uri(gateway.BaseUrl), $"GET /v1/models HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");

        Assert.Matches("^HTTP/1.1 (400|403) ", answer);
        Assert.DoesNotContain("access-control", answer, StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public async Task An_address_of_another_host_is_refused()
    {
        await using var gateway = await new GatewayUnderTest().StartAsync();

        var answer = await SendAsync(new Uri(gateway.BaseUrl), "GET http://evil.example/v1/models HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");

        Assert.Matches("^HTTP/1.1 (400|403) ", answer);
    }

    [Fact]
    public async Task What_is_no_HTTP_at_all_is_closed_and_others_are_served()
    {
        await using var gateway = await new GatewayUnderTest().StartAsync();
        var address = new Uri(gateway.BaseUrl);
        var random = new byte[4096];
        new Random(7).NextBytes(random);
        byte[][] greetings =
        [
            [0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, 0xfc, 0x03, 0x03, .. new byte[507]], "SSH-2.0-OpenSSH_9.6\r\n"u8.ToArray(), "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8.ToArray(), random,
        ];

        foreach (var greeting in greetings)
        {
            var answer = await SendAsync(address, greeting);
            Assert.DoesNotContain("HTTP/1.1 200", Encoding.Latin1.GetString(answer), StringComparison.Ordinal);
        }

        var held = Enumerable.Range(0, 300).Select(_ => new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp)).ToList();
        try
        {
            await Task.WhenAll(held.Select(socket => socket.ConnectAsync(IPAddress.Loopback, address.Port)));
            Assert.Equal(HttpStatusCode.OK, await HealthAsync(gateway));
        }
        finally
        {
            held.ForEach(socket => socket.Dispose());
        }

        Assert.Equal(HttpStatusCode.OK, await HealthAsync(gateway));
    }

    /// <summary>Connections that send a head, or a body, a byte at a time are ended; meanwhile others are served.</summary>
    [Fact]
    public async Task Clients_that_hardly_send_are_cut_off()
    {
        await using var provider = ScriptedProvider.OpenAi();
        await using var gateway = await StartAsync(provider);
        var address = new Uri(gateway.BaseUrl);
        using var dripped = new SemaphoreSlim(0);
        var heads = Enumerable.Range(0, 50).Select(_ => DripAsync(address, dripped, "GET /health/live HTTP/1.1\r\nHost: localhost\r\nX-Slow: ", "x")).ToList();
        var bodies = Enumerable.Range(0, 50).Select(_ => DripAsync(address, dripped, "POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n", " ")).ToList();

        var slowest = TimeSpan.Zero;
        var cutOff = Task.WhenAll(heads.Concat(bodies)).WaitAsync(TimeSpan.FromSeconds(40), Cancellation);
        while (!cutOff.IsCompleted)
        {
            var asked = Stopwatch.GetTimestamp();
            Assert.Equal(HttpStatusCode.OK, await HealthAsync(gateway));
            slowest = TimeSpan.FromTicks(Math.Max(slowest.Ticks, Stopwatch.GetElapsedTime(asked).Ticks));
            await Task.WhenAny(cutOff, dripped.WaitAsync(Cancellation));
        }

        await cutOff;

        Assert.All(await Task.WhenAll(heads), answer => Assert.True(answer.Length == 0 || answer.StartsWith("HTTP/1.1 408", StringComparison.Ordinal), answer));
        Assert.All(await Task.WhenAll(bodies), answer => Assert.True(answer.Length == 0 || answer.StartsWith("HTTP/1.1 408", StringComparison.Ordinal), answer));
        Assert.Empty(provider.Requests);
        Assert.True(slowest < TimeSpan.FromSeconds(2), slowest.ToString());
    }

    private static Task<GatewayUnderTest> StartAsync(ScriptedProvider provider) => new GatewayUnderTest().InProduction(provider).WithVariable("GATEWAY_AUTH", "none").StartAsync();

    private static async Task<HttpStatusCode> HealthAsync(GatewayUnderTest gateway)
    {
        using var response = await gateway.Client.GetAsync(new Uri("/health/live", UriKind.Relative), Cancellation);
        return response.StatusCode;
    }

    private static async Task<string> SendAsync(Uri address, string request) => Encoding.Latin1.GetString(await SendAsync(address, Encoding.Latin1.GetBytes(request)));

    /// <summary>Sends, and reads until the gateway closes; a reset is an end too.</summary>
    private static async Task<byte[]> SendAsync(Uri address, byte[] bytes)
    {
        using var limit = new CancellationTokenSource(Eventually.DefaultLimit);
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(IPAddress.Loopback, address.Port, limit.Token);
        var answer = new List<byte>();
        try
        {
            await socket.SendAsync(bytes, limit.Token);
            await ReadAsync(socket, answer, limit.Token);
        }
        catch (SocketException)
        {
        }

        return [.. answer];
    }

    /// <summary>Sends the head, then a drop every half second until the gateway has had enough; counts the drops.</summary>
    private static async Task<string> DripAsync(Uri address, SemaphoreSlim dripped, string head, string drop)
    {
        using var limit = new CancellationTokenSource(Eventually.DefaultLimit * 3);
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(IPAddress.Loopback, address.Port, limit.Token);
        await socket.SendAsync(Encoding.ASCII.GetBytes(head), limit.Token);
        var answer = new List<byte>();
        var reading = ReadAsync(socket, answer, limit.Token);
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(500));
        try
        {
            while (!reading.IsCompleted)
            {
                await socket.SendAsync(Encoding.ASCII.GetBytes(drop), limit.Token);
                dripped.Release();
                await Task.WhenAny(reading, timer.WaitForNextTickAsync(limit.Token).AsTask());
            }

            await reading;
        }
        catch (SocketException)
        {
        }

        return Encoding.Latin1.GetString([.. answer]);
    }

    private static async Task ReadAsync(Socket socket, List<byte> answer, CancellationToken cancellation)
    {
        var buffer = new byte[16 * 1024];
        while (await socket.ReceiveAsync(buffer, cancellation) is > 0 and var read)
        {
            answer.AddRange(buffer.AsSpan(0, read));
        }
    }

    private static int CountOf(string text, string part) => text.Split(part).Length - 1;
}
