using System.Globalization;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using LlmGateway.FunctionalTests.Infrastructure;

namespace LlmGateway.FunctionalTests;

/// <summary>No client chooses where a call goes, no proxy of the machine is asked, no doubtful certificate is taken, no provider speaks for the gateway.</summary>
public sealed class BoundaryTests
{
    private static readonly string[] Endpoints =
        ["/v1/chat/completions", "/v1/completions", "/v1/embeddings", "/v1/messages", "/v1/responses", "/api/chat", "/api/generate", "/api/embed"];

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task No_field_of_a_request_names_a_destination_or_a_key()
    {
        using var trap = new Trap();
        var canaries = new Canaries();
        var clientsOwn = canaries.New("sk-clients-provider-key");
        await using var provider = ScriptedProvider.Anything()
            .Always("POST /v1/*", _ => Script.Json(OpenAiReplies.Completion("hi")))
            .Always("POST /v1/*/*", _ => Script.Json(OpenAiReplies.Completion("hi")));
        await using var gateway = await new GatewayUnderTest().InProduction(provider).WithVariable("INTERNAL_LLM_API_KEY", "sk-internal").StartAsync();
        string[] names = ["api_base", "base_url", "endpoint", "custom_host", "proxy", "organization", "azure_endpoint", "api_key", "extra_headers", "extra_body", "custom_llm_provider"];
        var members = string.Join(',', names.Select(name => name switch
        {
            "api_key" => $"\"{name}\":\"{clientsOwn}\"",
            "extra_headers" or "extra_body" => $"\"{name}\":{{\"Authorization\":\"Bearer {clientsOwn}\",\"Host\":\"{trap.Authority}\",\"base_url\":\"{trap.Url}\"}}",
            _ => $"\"{name}\":\"{trap.Url}\"",
        }));

        foreach (var endpoint in Endpoints)
        {
            foreach (var body in (string[])
            [
                $$"""{"model":"m","max_tokens":9,"input":"hi","prompt":"hi","stream":false,"messages":[{"role":"user","content":"hi"}],{{members}} }""",
                $$"""{"model":"m","max_tokens":9,"input":"hi","prompt":"hi","stream":false,"messages":[{"role":"user","content":"hi"}],"metadata":{ {{members}} },"options":{ {{members}} } }""",
            ])
            {
                var query = "?" + string.Join('&', names.Select(name => name + "=" + Uri.EscapeDataString(trap.Url)));
                using var response = await gateway.SendAsync(
                    endpoint + query, body, ("Authorization", "Bearer sk-client"), ("X-Base-Url", trap.Url), ("X-Forwarded-Host", trap.Authority), ("X-Original-URL", trap.Url), ("Proxy", trap.Url));
                Assert.True((int)response.StatusCode < 500 || endpoint is "/v1/embeddings" or "/api/embed", $"{endpoint}: {response}");
                canaries.AssertNoCanary(response.Headers + await response.Content.ReadAsStringAsync(Cancellation));
            }
        }

        Assert.Equal(0, trap.Connections);
        Assert.True(provider.Requests.Count >= Endpoints.Length);
        Assert.All(provider.Requests, request => Assert.Equal(("Bearer sk-internal", $"127.0.0.1:{provider.Port}"), (request.Header("authorization"), request.Header("host"))));
        await gateway.StopAsync();
        canaries.AssertNoCanary(gateway.Log.Text);
    }

    [Fact]
    public async Task The_machines_proxy_is_not_asked()
    {
        using var trap = new Trap();
        await using var provider = ScriptedProvider.OpenAi().Answers(Script.Json(OpenAiReplies.Completion("hi")));
        using var folder = new GatewayFolder();
        await using var gateway = GatewayProcess.Start(
            folder,
            ["--urls", "http://127.0.0.1:0"],
            ("ENVIRONMENT", "production"), ("INTERNAL_LLM_BASE_URL", provider.BaseUrl), ("INTERNAL_LLM_MODEL", "m"), ("GATEWAY_AUTH", "none"),
            ("HTTP_PROXY", trap.Url), ("http_proxy", trap.Url), ("ALL_PROXY", trap.Url), ("all_proxy", trap.Url), ("HTTPS_PROXY", trap.Url));
        await gateway.WaitForStartAsync();

        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/chat/completions") { Content = new StringContent(ProductionStage.Body(false), Encoding.UTF8, "application/json") };
        using var response = await gateway.Client.SendAsync(request, Cancellation);

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal(0, trap.Connections);
        Assert.Equal(0, await gateway.TerminateAsync());
    }

    [Theory]
    [InlineData("self-signed")]
    [InlineData("expired")]
    [InlineData("another name")]
    public async Task A_doubtful_certificate_is_no_provider(string what)
    {
        using var server = new TlsServer(what);
        await using var gateway = await new GatewayUnderTest().WithEnvironment("production").WithoutVariable("OLLAMA_BASE_URL")
            .WithVariable("INTERNAL_LLM_BASE_URL", server.Url).WithVariable("INTERNAL_LLM_MODEL", "m").WithVariable("INTERNAL_LLM_API_KEY", "sk-internal-secret").WithVariable("GATEWAY_AUTH", "none")
            .StartAsync();

        using var response = await gateway.SendAsync("/v1/chat/completions", ProductionStage.Body(false));

        var error = await OpenAiError.ReadAsync(response);
        Assert.Equal((502, "all_providers_failed"), (error.Status, error.Code));
        Assert.Contains("connection", error.Message, StringComparison.Ordinal);
        Assert.True(server.Connections > 0);
        Assert.Equal(0, server.Handshakes);
        Assert.DoesNotContain("sk-internal-secret", server.PlainText, StringComparison.Ordinal);
    }

    /// <summary>What a provider puts into its headers is its own affair.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_providers_headers_stay_with_the_gateway(bool isStreaming)
    {
        (string Name, string Value)[] headers =
        [
            ("set-cookie", "provider=1"), ("access-control-allow-origin", "*"), ("strict-transport-security", "max-age=1"), ("location", "http://evil.example"), ("server", "provider/1"),
            ("alt-svc", "h3=\":443\""), ("content-security-policy", "default-src *"), ("openai-organization", "org-provider"), ("x-request-id", "of-the-provider"), ("x-llm-provider", "forged"),
            ("cache-control", "public, max-age=99"), ("connection", "X-Secret"), ("x-secret", "hop"), ("keep-alive", "timeout=99"), ("trailer", "x-trailer"), ("upgrade", "h2c"), ("proxy-authenticate", "Basic"),
        ];
        await using var stage = await ProductionStage.StartAloneAsync();
        var completion = Encoding.UTF8.GetBytes(OpenAiReplies.Completion("hi"));
        stage.First.Answers(isStreaming
            ? new Script().Head(200, "text/event-stream", BodyFraming.Chunked, headers).Event(OpenAiReplies.ContentChunk("hi")).Event(OpenAiReplies.FinishChunk()).Done()
            : Script.Whole(200, "application/json", completion, headers));

        using var response = await stage.OpenAsync(ProductionStage.Body(isStreaming));
        var body = await response.Content.ReadAsStringAsync(Cancellation);

        string[] expected =
        [
            "cache-control", "cross-origin-resource-policy", "date", "referrer-policy", "server-timing", "x-content-type-options", "x-llm-agent", "x-llm-attempts", "x-llm-cache", "x-llm-model", "x-llm-provider", "x-request-id",
            .. isStreaming ? (string[])["transfer-encoding", "x-accel-buffering"] : [],
        ];
        Assert.Contains("hi", body, StringComparison.Ordinal);
        Assert.Equal(expected.Order(StringComparer.Ordinal), response.Headers.Select(header => header.Key.ToLowerInvariant()).Order(StringComparer.Ordinal));
        Assert.Equal("internal", response.Headers.GetValues("x-llm-provider").Single());
        Assert.NotEqual("of-the-provider", response.Headers.GetValues("x-request-id").Single());
    }

    /// <summary>Whatever the endpoint and however it ends: no cache keeps it, no browser guesses or frames it, no server name.</summary>
    [Theory]
    [InlineData("GET", "/health/live")]
    [InlineData("GET", "/health/ready")]
    [InlineData("GET", "/metrics")]
    [InlineData("GET", "/v1/models")]
    [InlineData("GET", "/nothing")]
    [InlineData("GET", "/admin/usage")]
    [InlineData("POST", "/v1/chat/completions")]
    [InlineData("POST", "/api/chat")]
    [InlineData("DELETE", "/v1/chat/completions")]
    [InlineData("GET", "/openapi/v1.json")]
    public async Task Every_answer_carries_the_same_care(string method, string path)
    {
        await using var gateway = await new GatewayUnderTest().StartAsync();
        using var request = new HttpRequestMessage(new HttpMethod(method), path);

        using var response = await gateway.Client.SendAsync(request, Cancellation);

        string Header(string name) => response.Headers.TryGetValues(name, out var values) ? string.Join(", ", values) : "";
        Assert.Equal(("no-store", "nosniff", "no-referrer", "same-origin"), (Header("Cache-Control"), Header("X-Content-Type-Options"), Header("Referrer-Policy"), Header("Cross-Origin-Resource-Policy")));
        Assert.NotEqual("", Header("X-Request-Id"));
        Assert.Equal(("", "", ""), (Header("Server"), Header("X-Powered-By"), Header("Access-Control-Allow-Origin")));
    }

    /// <summary>Headers that belong to one connection, or that a client names as such, end at the gateway.</summary>
    [Fact]
    public async Task Hop_by_hop_headers_of_a_client_go_no_further()
    {
        await using var stage = await ProductionStage.StartAloneAsync();
        stage.First.Answers(ProductionStage.Answer(false));
        var body = Encoding.UTF8.GetBytes(ProductionStage.Body(false));

        var answer = await RawClient.SendAsync(
            new Uri(stage.Gateway.BaseUrl),
            "POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nConnection: X-Secret, close\r\nX-Secret: hop\r\nTE: trailers, gzip\r\nKeep-Alive: timeout=99\r\nProxy-Authorization: Basic eDp5\r\n"
            + $"Proxy-Connection: keep-alive\r\nTrailer: X-Late\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\nCookie: session=1\r\nbaggage: a=1\r\nAuthorization: Bearer {stage.ClientKey}\r\nContent-Type: application/json\r\n"
            + string.Create(CultureInfo.InvariantCulture, $"Content-Length: {body.Length}\r\n\r\n"),
            body);

        Assert.Equal(200, answer.Status);
        string[] forbidden = ["x-secret", "te", "keep-alive", "proxy-authorization", "proxy-connection", "trailer", "upgrade", "http2-settings", "cookie", "baggage", "connection"];
        Assert.DoesNotContain(stage.First.Requests.Single().Headers, header => forbidden.Contains(header.Key.ToLowerInvariant()));
    }

    /// <summary>Text that is unusual and right goes through as it is; a log line stays one line.</summary>
    [Fact]
    public async Task Unusual_text_passes_byte_for_byte()
    {
        await using var stage = await ProductionStage.StartAloneAsync();
        stage.First.AlwaysAnswers(_ => ProductionStage.Answer(false));
        const string Odd = "\\u0000 \u202e \u0301\u0301\u0301 😀 \u2028 \u2029 \\ud83d\\ude00 \uFEFF";
        var body = $$"""{"model":"internal-model","user":"{{Odd}}","messages":[{"role":"user","content":"{{Odd}}"}]}""";

        (await stage.AskAsync(body)).AssertAnswered("Well met");

        Assert.Equal(body, stage.First.Requests.Single().Text);
        await stage.Gateway.Log.WaitForAsync(line => line.Message == "request", "the request's line");
        Assert.Single(stage.Gateway.Log.Lines, line => line.Message == "request");
    }

    /// <summary>Depth costs nothing: it is refused where it gets too deep, not where it ends.</summary>
    [Theory]
    [InlineData(65)]
    [InlineData(1_000)]
    [InlineData(100_000)]
    [InlineData(1_000_000)]
    public async Task Too_deep_a_body_is_refused_at_once(int depth)
    {
        await using var gateway = await new GatewayUnderTest().StartAsync();
        var body = "{\"x\":" + new string('[', depth) + new string(']', depth) + "}";
        using var first = await gateway.SendAsync("/v1/chat/completions", body);
        var start = System.Diagnostics.Stopwatch.GetTimestamp();

        using var response = await gateway.SendAsync("/v1/chat/completions", body);

        Assert.Equal((400, "invalid_json"), ((int)response.StatusCode, (await OpenAiError.ReadAsync(response)).Code));
        Assert.True(System.Diagnostics.Stopwatch.GetElapsedTime(start) < TimeSpan.FromSeconds(1));
    }

    /// <summary>Counts who comes.</summary>
    private sealed class Trap : IDisposable
    {
        private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
        private int _connections;

        public Trap()
        {
            _listener.Start();
            _ = AcceptAsync();
        }

        public int Connections => Volatile.Read(ref _connections);

        public string Authority => _listener.LocalEndpoint.ToString()!;

        public string Url => "http://" + Authority;

        public void Dispose() => _listener.Dispose();

        private async Task AcceptAsync()
        {
            try
            {
                while (true)
                {
                    using var client = await _listener.AcceptTcpClientAsync();
                    Interlocked.Increment(ref _connections);
                }
            }
            catch (Exception over) when (over is SocketException or ObjectDisposedException)
            {
            }
        }
    }

    /// <summary>A server whose certificate nobody should take.</summary>
    private sealed class TlsServer : IDisposable
    {
        private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
        private readonly X509Certificate2 _certificate;
        private readonly StringBuilder _plain = new();
        private int _connections;
        private int _handshakes;

        public TlsServer(string what)
        {
            using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
            var request = new CertificateRequest("CN=" + (what == "another name" ? "elsewhere.example" : "localhost"), key, HashAlgorithmName.SHA256);
            var now = DateTimeOffset.UtcNow;
            _certificate = what == "expired" ? request.CreateSelfSigned(now.AddDays(-30), now.AddDays(-1)) : request.CreateSelfSigned(now.AddDays(-1), now.AddDays(30));
            _listener.Start();
            _ = AcceptAsync();
        }

        public int Connections => Volatile.Read(ref _connections);

        public int Handshakes => Volatile.Read(ref _handshakes);

        /// <summary>What came through a handshake that was taken.</summary>
        public string PlainText => _plain.ToString();

        public string Url => $"https://localhost:{((IPEndPoint)_listener.LocalEndpoint).Port}";

        public void Dispose()
        {
            _listener.Dispose();
            _certificate.Dispose();
        }

        private async Task AcceptAsync()
        {
            try
            {
                while (true)
                {
                    using var client = await _listener.AcceptTcpClientAsync();
                    Interlocked.Increment(ref _connections);
                    await using var tls = new SslStream(client.GetStream());
                    try
                    {
                        await tls.AuthenticateAsServerAsync(_certificate);
                        var buffer = new byte[4096];
                        if (await tls.ReadAsync(buffer) is > 0 and var read)
                        {
                            Interlocked.Increment(ref _handshakes);
                            _plain.Append(Encoding.Latin1.GetString(buffer, 0, read));
                        }
                    }
                    catch (Exception refused) when (refused is IOException or System.Security.Authentication.AuthenticationException)
                    {
                    }
                }
            }
            catch (Exception over) when (over is SocketException or ObjectDisposedException)
            {
            }
        }
    }
}
