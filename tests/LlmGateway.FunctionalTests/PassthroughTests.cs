using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using LlmGateway.FunctionalTests.Infrastructure;

namespace LlmGateway.FunctionalTests;

/// <summary>Paths that the gateway does not serve itself: passed on unread, with the gateway's credentials and nobody else's.</summary>
public sealed class PassthroughTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Method_path_query_and_body_arrive_as_sent_with_the_gateways_own_credentials()
    {
        await using var provider = ScriptedProvider.Anything().On("PATCH /v1/things/a:b/c%20d", Script.Json("""{"ok":1.50}"""));
        await using var gateway = await new GatewayUnderTest().InProduction(provider)
            .WithVariable("INTERNAL_LLM_API_KEY", "sk-internal-key").WithVariable("INTERNAL_LLM_TICKET", "ticket-1").StartAsync();
        using var request = Request(HttpMethod.Patch, "/v1/things/a:b/c%20d?limit=2&after=%2Fx", new StringContent("{\"a\" : 1}", Encoding.UTF8, "application/json"));
        request.Headers.Add("X-User-Id", "someone");
        request.Headers.Add("x-dep-ticket", "forged");
        request.Headers.Add("Cookie", "a=b");
        request.Headers.Add("OpenAI-Organization", "theirs");
        request.Headers.Add("OpenAI-Beta", "assistants=v2");
        request.Headers.Add("Idempotency-Key", "once");
        request.Headers.Add("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");

        using var response = await gateway.Client.SendAsync(request, Cancellation);

        Assert.Equal("""{"ok":1.50}""", await response.Content.ReadAsStringAsync(Cancellation));
        var sent = provider.Requests[0];
        Assert.Equal("/v1/things/a:b/c%20d?limit=2&after=%2Fx", sent.Target);
        Assert.Equal("{\"a\" : 1}", sent.Text);
        Assert.Equal(
            ["authorization: Bearer sk-internal-key", "completion-msg-id", "content-length: 9", "content-type: application/json; charset=utf-8", "host", "idempotency-key: once",
             "openai-beta: assistants=v2", "prompt-msg-id", "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "user-id: someone", "user-type: AD", "x-dep-ticket: ticket-1"],
            sent.Headers.Select(Shown).Order(StringComparer.Ordinal));
        Assert.Equal(("internal", "1"), (response.Headers.GetValues("x-llm-provider").Single(), response.Headers.GetValues("x-llm-attempts").Single()));
    }

    [Fact]
    public async Task Of_the_providers_headers_only_the_list_comes_out_and_status_and_body_as_they_are()
    {
        await using var provider = ScriptedProvider.Anything().On("GET /v1/files/f/content", Script.Whole(
            404, "text/plain; charset=iso-8859-1", [1, 2, 3], ("etag", "\"v1\""), ("content-disposition", "attachment; filename=x"), ("x-ratelimit-limit-tokens", "9"), ("retry-after", "7"),
            ("set-cookie", "a=b"), ("access-control-allow-origin", "*"), ("openai-organization", "secret-org"), ("server", "them"), ("alt-svc", "h3")));
        await using var gateway = await new GatewayUnderTest().InProduction(provider).StartAsync();

        using var response = await gateway.Client.SendAsync(Request(HttpMethod.Get, "/v1/files/f/content"), Cancellation);

        Assert.Equal(HttpStatusCode.NotFound, response.StatusCode);
        Assert.Equal([1, 2, 3], await response.Content.ReadAsByteArrayAsync(Cancellation));
        Assert.Equal("text/plain; charset=iso-8859-1", response.Content.Headers.ContentType!.ToString());
        Assert.Equal("attachment; filename=x", response.Content.Headers.ContentDisposition!.ToString());
        var names = response.Headers.Select(header => header.Key.ToLowerInvariant()).ToList();
        Assert.Equal(3, names.Intersect(["etag", "x-ratelimit-limit-tokens", "retry-after"]).Count());
        Assert.Empty(names.Intersect(["set-cookie", "access-control-allow-origin", "openai-organization", "server", "alt-svc"]));
    }

    [Theory]
    [InlineData("204 No Content", "content-length: 5\r\n\r\n")]
    [InlineData("205 Reset Content", "content-length: 5\r\n\r\nhello")]
    [InlineData("205 Reset Content", "transfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n")]
    public async Task An_answer_that_may_have_no_body_has_none(string status, string rest)
    {
        await using var provider = ScriptedProvider.Anything().On("DELETE /v1/things/a", Script.Raw($"HTTP/1.1 {status}\r\n{rest}"));
        await using var gateway = await new GatewayUnderTest().InProduction(provider).StartAsync();

        using var response = await gateway.Client.SendAsync(Request(HttpMethod.Delete, "/v1/things/a"), Cancellation);

        Assert.Equal((status[..3], ""), (((int)response.StatusCode).ToString(System.Globalization.CultureInfo.InvariantCulture), await response.Content.ReadAsStringAsync(Cancellation)));
    }

    [Theory]
    [InlineData("404 Not Found", "content-length: 0\r\n\r\n")]
    [InlineData("416 Range Not Satisfiable", "transfer-encoding: chunked\r\n\r\n0\r\n\r\n")]
    [InlineData("503 Service Unavailable", "content-length: 0\r\nretry-after: 7\r\n\r\n")]
    public async Task An_error_without_a_word_is_passed_on_without_one(string status, string rest)
    {
        await using var provider = ScriptedProvider.Anything().On("GET /v1/files/f", Script.Raw($"HTTP/1.1 {status}\r\n{rest}"));
        await using var gateway = await new GatewayUnderTest().InProduction(provider).StartAsync();

        using var response = await gateway.Client.SendAsync(Request(HttpMethod.Get, "/v1/files/f"), Cancellation);

        Assert.Equal((status[..3], ""), (((int)response.StatusCode).ToString(System.Globalization.CultureInfo.InvariantCulture), await response.Content.ReadAsStringAsync(Cancellation)));
        Assert.Null(response.Content.Headers.ContentType);
    }

    [Fact]
    public async Task A_header_that_is_no_ASCII_costs_no_answer()
    {
        await using var provider = ScriptedProvider.Anything().On(
            "GET /v1/files/f/content", Script.Raw("HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-disposition: attachment; filename=\"café.txt\"\r\netag: a\u0001b\r\ncontent-length: 2\r\n\r\nhi"));
        await using var gateway = await new GatewayUnderTest().InProduction(provider).StartAsync();

        using var response = await gateway.Client.SendAsync(Request(HttpMethod.Get, "/v1/files/f/content"), Cancellation);

        Assert.Equal((HttpStatusCode.OK, "hi", "text/plain"), (response.StatusCode, await response.Content.ReadAsStringAsync(Cancellation), response.Content.Headers.ContentType?.MediaType));
        Assert.Null(response.Content.Headers.ContentDisposition);
    }

    [Theory]
    [InlineData("Idempotency-Key: \u00c3\u00a9")]
    [InlineData("OpenAI-Beta: a\u001bb")]
    [InlineData("Content-Type: text/\u00c3\u00a9")]
    public async Task A_header_that_no_provider_could_be_sent_is_the_clients_fault(string header)
    {
        await using var provider = ScriptedProvider.Anything();
        await using var gateway = await new GatewayUnderTest().InProduction(provider).StartAsync();

        var answer = await RawAsync(gateway, $"GET /v1/files HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer sk-client\r\n{header}\r\nConnection: close\r\n\r\n");

        Assert.StartsWith("HTTP/1.1 400 ", answer, StringComparison.Ordinal);
        Assert.Empty(provider.Requests);
    }

    [Theory]
    [InlineData("099")]
    [InlineData("600")]
    [InlineData("999")]
    public async Task A_status_that_is_none_is_not_passed_on(string status)
    {
        await using var provider = ScriptedProvider.Anything().On("GET /v1/files", Script.Raw($"HTTP/1.1 {status} Odd\r\ncontent-length: 2\r\n\r\n{{}}"));
        await using var gateway = await new GatewayUnderTest().InProduction(provider).StartAsync();

        using var response = await gateway.Client.SendAsync(Request(HttpMethod.Get, "/v1/files"), Cancellation);

        await AssertErrorAsync(response, HttpStatusCode.BadGateway, "all_providers_failed");
    }

    [Fact]
    public async Task An_upload_reaches_the_provider_while_the_client_still_sends()
    {
        await using var provider = ScriptedProvider.Anything().On("POST /v1/files", Script.Json("{}").BeforeBody(), Script.Json("{}"));
        await using var gateway = await new GatewayUnderTest().InProduction(provider).StartAsync();
        var first = new TaskCompletionSource();
        using var content = new SlowContent(first.Task);
        content.Headers.ContentType = MediaTypeHeaderValue.Parse("multipart/form-data; boundary=b");

        var sending = gateway.Client.SendAsync(Request(HttpMethod.Post, "/v1/files", content), Cancellation);
        var sent = await provider.WaitForRequestAsync();

        Assert.Equal("multipart/form-data; boundary=b", sent.Header("content-type"));
        Assert.Null(sent.Body);
        first.SetResult();
        using var response = await sending;
    }

    [Fact]
    public async Task Below_an_agents_path_calls_are_passed_on_under_its_name()
    {
        await using var provider = ScriptedProvider.Anything().On("POST /v1/moderations", Script.Json("{}"));
        await using var gateway = await new GatewayUnderTest().InProduction(provider)
            .WithVariable("WRITERS_TICKET", "writers-ticket").WithAgents("""{ "agents": { "writer": { "ticket_env": "WRITERS_TICKET" } } }""").StartAsync();

        using var passed = await gateway.Client.SendAsync(Request(HttpMethod.Post, "/agents/writer/v1/moderations", new StringContent("{}")), Cancellation);
        using var unknown = await gateway.Client.SendAsync(Request(HttpMethod.Post, "/agents/nobody/v1/moderations", new StringContent("{}")), Cancellation);
        using var wrongMethod = await gateway.Client.SendAsync(Request(HttpMethod.Get, "/agents/writer/v1/chat/completions", null), Cancellation);

        Assert.Equal((HttpStatusCode.OK, HttpStatusCode.NotFound, HttpStatusCode.MethodNotAllowed), (passed.StatusCode, unknown.StatusCode, wrongMethod.StatusCode));
        Assert.Equal("agent_not_found", (await OpenAiError.ReadAsync(unknown)).Code);
        var sent = Assert.Single(provider.Requests);
        Assert.Equal(("/v1/moderations", "writers-ticket"), (sent.Path, sent.Header("x-dep-ticket")));
        Assert.Equal("writer", (await gateway.Ledger.WaitForRequestsAsync(3)).Single(record => (long)record["status"]! == 200)["agent"]);
    }

    [Fact]
    public async Task Events_come_one_by_one_and_their_usage_is_on_record()
    {
        var gate = new Gate();
        await using var provider = ScriptedProvider.Anything().On("POST /v1/responses", new Script().Head(200, "text/event-stream", BodyFraming.Chunked)
            .Event("response.created", """{"type":"response.created","response":{"model":"gpt-x","usage":null}}""").WaitFor(gate)
            .Event("response.completed", """{"type":"response.completed","response":{"model":"gpt-x","usage":{"input_tokens":20,"input_tokens_details":{"cached_tokens":5},"output_tokens":7,"output_tokens_details":{"reasoning_tokens":3},"total_tokens":27}}}"""));
        await using var gateway = await new GatewayUnderTest().InProduction(provider).StartAsync();
        using var request = Request(HttpMethod.Post, "/v1/responses", new StringContent("""{"stream":true}""", Encoding.UTF8, "application/json"));

        using var response = await gateway.Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, Cancellation);
        await using var reader = await SseReader.OpenAsync(response, Cancellation);
        var created = await reader.NextAsync();
        gate.Release();
        var rest = await reader.ReadToEndAsync();

        Assert.Equal("response.created", created!.Name);
        Assert.Equal("response.completed", Assert.Single(rest).Name);
        var record = Assert.Single(await gateway.Ledger.WaitForRequestsAsync(1));
        Assert.Equal(("/v1/{**path}", 20L, 7L, 5L, 3L), (record["endpoint"], record["input_tokens"], record["output_tokens"], record["cached_input_tokens"], record["reasoning_tokens"]));
        var attempt = Assert.Single(gateway.Ledger.Attempts(record));
        Assert.Equal(("internal", "gpt-x", "success", "provider"), (attempt["provider"], attempt["model"], attempt["outcome"], attempt["source"]));
        var page = await gateway.WaitForMetricsAsync(metrics => metrics.Sum("llm_gateway_tokens_total") > 0, "the tokens to be counted");
        Assert.Equal(1, page.Sum("llm_gateway_requests_total", ("endpoint", "/v1/{**path}"), ("provider", "internal"), ("model", "other")));
    }

    [Theory]
    [InlineData("""{"model":"m","usage":{"prompt_tokens":4,"total_tokens":4}}""", 4, "provider")]
    [InlineData("""{"model":"m","usage":{"prompt_tokens":-4}}""", 0, "none")]
    [InlineData("""{"id":"file-1"}""", 0, "none")]
    [InlineData("no json", 0, "none")]
    public async Task A_whole_answer_is_read_for_usage_and_goes_through_whatever_it_is(string reply, long tokens, string source)
    {
        await using var provider = ScriptedProvider.Anything().On("POST /v1/moderations", Script.Json(reply));
        await using var gateway = await new GatewayUnderTest().InProduction(provider).StartAsync();

        using var response = await gateway.Client.SendAsync(Request(HttpMethod.Post, "/v1/moderations", new StringContent("{}")), Cancellation);

        Assert.Equal(reply, await response.Content.ReadAsStringAsync(Cancellation));
        var record = Assert.Single(await gateway.Ledger.WaitForRequestsAsync(1));
        Assert.Equal(tokens, record["input_tokens"]);
        Assert.Equal(source, Assert.Single(gateway.Ledger.Attempts(record))["source"]);
    }

    [Theory]
    [InlineData(401)]
    [InlineData(403)]
    public async Task A_refused_key_is_the_gateways_trouble_and_shows_nothing(int status)
    {
        await using var provider = ScriptedProvider.Anything().On("GET /v1/files", Script.Json(OpenAiReplies.Error("key sk-internal-key is bad"), status));
        await using var gateway = await new GatewayUnderTest().InProduction(provider).StartAsync();

        using var response = await gateway.Client.SendAsync(Request(HttpMethod.Get, "/v1/files"), Cancellation);

        await AssertErrorAsync(response, HttpStatusCode.BadGateway, "upstream_auth_error");
        var record = Assert.Single(await gateway.Ledger.WaitForRequestsAsync(1));
        Assert.Equal("auth", Assert.Single(gateway.Ledger.Attempts(record))["outcome"]);
    }

    [Fact]
    public async Task A_redirect_is_neither_followed_nor_passed_on()
    {
        await using var provider = ScriptedProvider.Anything().On("GET /v1/files", Script.Whole(302, "text/plain", [], ("location", "http://127.0.0.1:1/trap")));
        await using var gateway = await new GatewayUnderTest().InProduction(provider).StartAsync();

        using var response = await gateway.Client.SendAsync(Request(HttpMethod.Get, "/v1/files"), Cancellation);

        await AssertErrorAsync(response, HttpStatusCode.BadGateway, "all_providers_failed");
        Assert.Null(response.Headers.Location);
    }

    [Fact]
    public async Task A_provider_that_is_not_there_is_502_and_asked_once()
    {
        await using var provider = ScriptedProvider.Anything().On("POST /v1/files", new Script().Reset(), new Script().Reset());
        await using var gateway = await new GatewayUnderTest().InProduction(provider).StartAsync();

        using var response = await gateway.Client.SendAsync(Request(HttpMethod.Post, "/v1/files", new StringContent("{}")), Cancellation);

        await AssertErrorAsync(response, HttpStatusCode.BadGateway, "all_providers_failed");
        Assert.Single(provider.Requests);
        var record = Assert.Single(await gateway.Ledger.WaitForRequestsAsync(1));
        Assert.Equal("connection", Assert.Single(gateway.Ledger.Attempts(record))["outcome"]);
    }

    [Theory]
    [InlineData("1", "60")]
    [InlineData("60", "0.5")]
    public async Task A_silent_provider_is_504(string attemptLimit, string clientLimit)
    {
        await using var provider = ScriptedProvider.Anything().On("GET /v1/files", Script.NeverAnswer());
        await using var gateway = await new GatewayUnderTest().InProduction(provider).WithVariable("LLM_TIMEOUT", attemptLimit).StartAsync();
        using var request = Request(HttpMethod.Get, "/v1/files");
        request.Headers.Add("X-Stainless-Timeout", clientLimit);

        using var response = await gateway.Client.SendAsync(request, Cancellation);

        await AssertErrorAsync(response, HttpStatusCode.GatewayTimeout, "upstream_timeout");
        await provider.Requests[0].WaitForPeerCloseAsync();
    }

    [Theory]
    [InlineData("/v1/a/%2e%2e/%2e%2e/admin", 404)]
    [InlineData("/v1/../admin", 404)]
    [InlineData("/v1/%252e%252e/x", 400)]
    [InlineData("/v1/a%2f..%2fb", 400)]
    [InlineData("/v1/a%2Fb", 400)]
    [InlineData("/v1/a%5cb", 400)]
    [InlineData("/v1/..\\x", 400)]
    [InlineData("/v1//evil.test/x", 400)]
    [InlineData("/v1", 404)]
    [InlineData("/v1/", 404)]
    [InlineData("/agents/writer/v1/", 404)]
    [InlineData("http://evil.test/v1//x", 400)]
    public async Task No_path_leads_out_of_the_providers_api(string target, int status)
    {
        await using var provider = ScriptedProvider.Anything();
        await using var gateway = await new GatewayUnderTest().InProduction(provider).StartAsync();

        var head = await RawAsync(gateway, $"GET {target} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer sk-client\r\nConnection: close\r\n\r\n");

        Assert.StartsWith($"HTTP/1.1 {status} ", head, StringComparison.Ordinal);
        Assert.Empty(provider.Requests);
    }

    [Fact]
    public async Task An_upgrade_is_refused()
    {
        await using var provider = ScriptedProvider.Anything();
        await using var gateway = await new GatewayUnderTest().InProduction(provider).StartAsync();

        var head = await RawAsync(gateway, "GET /v1/realtime?model=x HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer sk-client\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n");

        Assert.StartsWith("HTTP/1.1 400 ", head, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_body_above_the_limit_is_413(bool isChunked)
    {
        await using var provider = ScriptedProvider.Anything().On("POST /v1/files", Script.Json("{}"));
        await using var gateway = await new GatewayUnderTest().InProduction(provider).WithVariable("GATEWAY_MAX_UPLOAD", "100000").StartAsync();
        using var request = Request(HttpMethod.Post, "/v1/files", new ByteArrayContent(new byte[200_000]));
        request.Headers.TransferEncodingChunked = isChunked;

        using var response = await gateway.Client.SendAsync(request, Cancellation);

        await AssertErrorAsync(response, HttpStatusCode.RequestEntityTooLarge, "request_too_large");
    }

    [Fact]
    public async Task Without_a_key_nothing_is_passed_on()
    {
        await using var provider = ScriptedProvider.Anything();
        await using var gateway = await new GatewayUnderTest().InProduction(provider).StartAsync();

        using var response = await gateway.Client.GetAsync(new Uri("/v1/files", UriKind.Relative), Cancellation);

        await AssertErrorAsync(response, HttpStatusCode.Unauthorized, "invalid_api_key");
    }

    [Fact]
    public async Task A_key_that_may_not_use_the_default_agent_passes_nothing_on()
    {
        await using var provider = ScriptedProvider.Anything().Otherwise(_ => Script.Json("{}"));
        await using var gateway = await WithKey(provider, "\"agents\":[\"writer\"]").StartAsync();

        using var response = await gateway.Client.SendAsync(Request(HttpMethod.Get, "/v1/files"), Cancellation);

        await AssertErrorAsync(response, HttpStatusCode.Forbidden, "agent_not_allowed");
        Assert.Empty(provider.Requests);
    }

    [Theory]
    [InlineData("""{"input":"hi","model":"some-model"}""", true)]
    [InlineData("""{"model":"family-2"}""", true)]
    [InlineData("""{"model":"own"}""", true)]
    [InlineData("", true)]
    [InlineData("""{"model":"other"}""", false)]
    [InlineData("""{"model":7}""", false)]
    [InlineData("""{"input":"hi"}""", false)]
    [InlineData("""{"input":{"model":"some-model"}}""", false)]
    [InlineData("""{"model":"some-model","model":"other"}""", false)]
    [InlineData("""{"model":"other","model":"some-model"}""", false)]
    [InlineData("""{"model":"some-model","Model":"other"}""", false)]
    [InlineData("""{"model":"some-model","mod\u0065l":"other"}""", false)]
    [InlineData("""{"model":"some-model","input":""", false)]
    [InlineData("""[{"model":"some-model"}]""", false)]
    [InlineData("model=some-model", false)]
    public async Task A_key_of_some_models_passes_on_what_names_one_of_them(string body, bool isPassedOn)
    {
        await using var provider = ScriptedProvider.Anything().Otherwise(_ => Script.Json("{}"));
        await using var gateway = await WithKey(provider, "\"models\":[\"some-model\",\"family-*\",\"internal/own\"]").StartAsync();
        using var request = Request(HttpMethod.Post, "/v1/responses");
        request.Content = new StringContent(body, System.Text.Encoding.UTF8, "application/json");

        using var response = await gateway.Client.SendAsync(request, Cancellation);

        if (isPassedOn)
        {
            Assert.Equal((HttpStatusCode.OK, body), (response.StatusCode, Assert.Single(provider.Requests).Text));
            return;
        }

        await AssertErrorAsync(response, HttpStatusCode.Forbidden, "model_not_allowed");
        Assert.Empty(provider.Requests);
    }

    [Fact]
    public async Task A_key_of_some_models_reads_and_deletes_but_names_its_model_within_64_KiB()
    {
        await using var provider = ScriptedProvider.Anything().Otherwise(_ => Script.Json("{}"));
        await using var gateway = await WithKey(provider, "\"models\":[\"some-model\"]").StartAsync();
        using var large = Request(HttpMethod.Post, "/v1/responses");
        large.Content = new StringContent($$"""{"model":"some-model","input":"{{new string('x', 64 * 1024)}}"}""", System.Text.Encoding.UTF8, "application/json");

        using var read = await gateway.Client.SendAsync(Request(HttpMethod.Get, "/v1/files"), Cancellation);
        using var deleted = await gateway.Client.SendAsync(Request(HttpMethod.Delete, "/v1/files/file-1"), Cancellation);
        using var refused = await gateway.Client.SendAsync(large, Cancellation);

        Assert.Equal((HttpStatusCode.OK, HttpStatusCode.OK), (read.StatusCode, deleted.StatusCode));
        await AssertErrorAsync(refused, HttpStatusCode.Forbidden, "model_not_allowed");
        Assert.Equal(2, provider.Requests.Count);
    }

    [Theory]
    [InlineData("GET", "/v1/chat/completions", "POST")]
    [InlineData("PUT", "/v1/embeddings", "POST")]
    [InlineData("POST", "/v1/models", "GET")]
    public async Task Paths_of_the_gateways_own_take_their_own_methods_alone(string method, string path, string allowed)
    {
        await using var provider = ScriptedProvider.Anything();
        await using var gateway = await new GatewayUnderTest().InProduction(provider).StartAsync();

        using var response = await gateway.Client.SendAsync(Request(new HttpMethod(method), path), Cancellation);

        await AssertErrorAsync(response, HttpStatusCode.MethodNotAllowed, "method_not_allowed");
        Assert.Equal(allowed, response.Content.Headers.Allow.Single());
    }

    [Fact]
    public async Task Without_a_provider_that_could_take_it_the_answer_says_so()
    {
        await using var gateway = await new GatewayUnderTest().StartAsync();

        using var response = await gateway.Client.GetAsync(new Uri("/v1/files", UriKind.Relative), Cancellation);

        await AssertErrorAsync(response, HttpStatusCode.NotFound, "not_found");
    }

    [Fact]
    public async Task In_development_a_provider_with_a_key_takes_it()
    {
        await using var provider = ScriptedProvider.Anything().On("GET /v1/files", Script.Json("{}"));
        await using var gateway = await new GatewayUnderTest().WithVariable("OPENAI_API_KEY", "sk-provider-key")
            .WithSettings($"providers:\n  openai:\n    base_url: {provider.BaseUrl}/v1/\n").StartAsync();

        using var response = await gateway.Client.GetAsync(new Uri("/v1/files", UriKind.Relative), Cancellation);

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal("Bearer sk-provider-key", provider.Requests[0].Header("authorization"));
    }

    [Fact]
    public async Task A_client_that_leaves_takes_the_providers_call_with_it()
    {
        await using var provider = ScriptedProvider.Anything().On("GET /v1/files/f/content", new Script().Head(200, "application/octet-stream", BodyFraming.Chunked).Text("begin").Stall());
        await using var gateway = await new GatewayUnderTest().InProduction(provider).StartAsync();

        var response = await gateway.Client.SendAsync(Request(HttpMethod.Get, "/v1/files/f/content"), HttpCompletionOption.ResponseHeadersRead, Cancellation);
        var stream = await response.Content.ReadAsStreamAsync(Cancellation);
        Assert.True(await stream.ReadAsync(new byte[8], Cancellation) > 0);
        response.Dispose();

        await provider.Requests[0].WaitForPeerCloseAsync();
        var record = Assert.Single(await gateway.Ledger.WaitForRequestsAsync(1));
        Assert.Equal(499L, record["status"]);
        Assert.Equal("cancelled", Assert.Single(gateway.Ledger.Attempts(record))["outcome"]);
    }

    /// <summary>A gateway whose only client key is limited as <paramref name="limits"/> says.</summary>
    private static GatewayUnderTest WithKey(ScriptedProvider provider, string limits) => new GatewayUnderTest().InProduction(provider).WithoutVariable("GATEWAY_API_KEYS")
        .WithKeys($$"""{"keys":[{"name":"narrow","sha256":"{{Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData("sk-client"u8))}}",{{limits}}}]}""")
        .WithAgents("""{"agents":{"writer":{"provider":"internal","model_name":"m"}}}""");

    private static HttpRequestMessage Request(HttpMethod method, string path, HttpContent? content = null)
    {
        var request = new HttpRequestMessage(method, path) { Content = content };
        request.Headers.Add("Authorization", "Bearer sk-client");
        return request;
    }

    private static string Shown(KeyValuePair<string, string> header) => header.Key.ToLowerInvariant() switch
    {
        "host" or "prompt-msg-id" or "completion-msg-id" => header.Key.ToLowerInvariant(),
        var name => $"{name}: {header.Value}",
    };

    private static async Task AssertErrorAsync(HttpResponseMessage response, HttpStatusCode status, string code)
    {
        var json = await response.Content.ReadAsStringAsync(Cancellation);
        Assert.Equal(status, response.StatusCode);
        OpenAiSchema.AssertValid(OpenAiSchema.Error, json);
        using var document = JsonDocument.Parse(json);
        Assert.Equal(code, document.RootElement.GetProperty("error").GetProperty("code").GetString());
        Assert.DoesNotContain("sk-internal-key", json, StringComparison.Ordinal);
    }

    private static async Task<string> RawAsync(GatewayUnderTest gateway, string head)
    {
        using var client = new TcpClient();
        await client.ConnectAsync(IPAddress.Loopback, new Uri(gateway.BaseUrl).Port, Cancellation);
        await using var stream = client.GetStream();
        await stream.WriteAsync(Encoding.Latin1.GetBytes(head), Cancellation);
        using var reader = new StreamReader(stream, Encoding.Latin1);
        return await reader.ReadLineAsync(Cancellation) ?? "";
    }

    /// <summary>Sends a beginning, and its end only when it is told to.</summary>
    private sealed class SlowContent(Task goOn) : HttpContent
    {
        protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context)
        {
            await stream.WriteAsync("--b\r\n"u8.ToArray());
            await stream.FlushAsync();
            await goOn;
            await stream.WriteAsync("--b--\r\n"u8.ToArray());
        }

        protected override bool TryComputeLength(out long length)
        {
            length = 0;
            return false;
        }
    }
}
