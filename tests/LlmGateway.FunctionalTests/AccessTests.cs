using System.Net;
using System.Security.Cryptography;
using System.Text;
using LlmGateway.Access;
using LlmGateway.FunctionalTests.Infrastructure;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace LlmGateway.FunctionalTests;

/// <summary>Who may call which endpoint, with which credentials, from where.</summary>
public sealed class AccessTests
{
    private const string Chat = "/v1/chat/completions";
    private const string Key = "sk-client-4711";
    private const string Other = "sk-another-4712";

    /// <summary>Every endpoint with its class. A new endpoint is added here on purpose, or this suite fails.</summary>
    private static readonly Dictionary<string, EndpointAccess> Matrix = new(StringComparer.Ordinal)
    {
        ["POST /v1/chat/completions"] = EndpointAccess.Client,
        ["POST /agents/{agent}/v1/chat/completions"] = EndpointAccess.Client,
        ["POST /v1/completions"] = EndpointAccess.Client,
        ["POST /agents/{agent}/v1/completions"] = EndpointAccess.Client,
        ["POST /v1/embeddings"] = EndpointAccess.Client,
        ["POST /agents/{agent}/v1/embeddings"] = EndpointAccess.Client,
        ["GET /v1/models"] = EndpointAccess.Client,
        ["GET /v1/models/{**id}"] = EndpointAccess.Client,
        ["GET /agents/{agent}/v1/{**path}"] = EndpointAccess.Client,
        ["HEAD /agents/{agent}/v1/{**path}"] = EndpointAccess.Client,
        ["POST /agents/{agent}/v1/{**path}"] = EndpointAccess.Client,
        ["PUT /agents/{agent}/v1/{**path}"] = EndpointAccess.Client,
        ["PATCH /agents/{agent}/v1/{**path}"] = EndpointAccess.Client,
        ["DELETE /agents/{agent}/v1/{**path}"] = EndpointAccess.Client,
        ["GET /agents/{agent}/v1/models"] = EndpointAccess.Client,
        ["GET /agents/{agent}/v1/models/{**id}"] = EndpointAccess.Client,
        ["GET /v1/{**path}"] = EndpointAccess.Client,
        ["HEAD /v1/{**path}"] = EndpointAccess.Client,
        ["POST /v1/{**path}"] = EndpointAccess.Client,
        ["PUT /v1/{**path}"] = EndpointAccess.Client,
        ["PATCH /v1/{**path}"] = EndpointAccess.Client,
        ["DELETE /v1/{**path}"] = EndpointAccess.Client,
        ["POST /v1/messages"] = EndpointAccess.Client,
        ["* /v1/messages"] = EndpointAccess.Client,
        ["POST /agents/{agent}/v1/messages"] = EndpointAccess.Client,
        ["* /agents/{agent}/v1/messages"] = EndpointAccess.Client,
        ["POST /v1/messages/count_tokens"] = EndpointAccess.Client,
        ["* /v1/messages/count_tokens"] = EndpointAccess.Client,
        ["POST /agents/{agent}/v1/messages/count_tokens"] = EndpointAccess.Client,
        ["* /agents/{agent}/v1/messages/count_tokens"] = EndpointAccess.Client,
        ["POST /api/chat"] = EndpointAccess.Client,
        ["* /api/chat"] = EndpointAccess.Client,
        ["POST /api/generate"] = EndpointAccess.Client,
        ["* /api/generate"] = EndpointAccess.Client,
        ["POST /api/embed"] = EndpointAccess.Client,
        ["* /api/embed"] = EndpointAccess.Client,
        ["POST /api/show"] = EndpointAccess.Client,
        ["* /api/show"] = EndpointAccess.Client,
        ["GET /api/tags"] = EndpointAccess.Client,
        ["* /api/tags"] = EndpointAccess.Client,
        ["GET /api/ps"] = EndpointAccess.Client,
        ["* /api/ps"] = EndpointAccess.Client,
        ["GET /api/version"] = EndpointAccess.Client,
        ["* /api/version"] = EndpointAccess.Client,
        ["* /api/pull"] = EndpointAccess.Client,
        ["* /api/push"] = EndpointAccess.Client,
        ["* /api/create"] = EndpointAccess.Client,
        ["* /api/copy"] = EndpointAccess.Client,
        ["* /api/delete"] = EndpointAccess.Client,
        ["* /api/embeddings"] = EndpointAccess.Client,
        ["POST /api/chat/session"] = EndpointAccess.Client,
        ["DELETE /api/chat/session/{session_id}"] = EndpointAccess.Client,
        ["GET /api/chat/history/{session_id}"] = EndpointAccess.Client,
        ["POST /api/chat/message"] = EndpointAccess.Client,
        ["* /api/chat/message"] = EndpointAccess.Client,
        ["POST /api/chat/message/stream"] = EndpointAccess.Client,
        ["* /api/chat/message/stream"] = EndpointAccess.Client,
        ["POST /api/agents/{agent}/complete"] = EndpointAccess.Client,
        ["* /api/agents/{agent}/complete"] = EndpointAccess.Client,
        ["POST /admin/explain"] = EndpointAccess.Admin,
        ["GET /admin/agents"] = EndpointAccess.Admin,
        ["GET /admin/agents/{name}"] = EndpointAccess.Admin,
        ["PUT /admin/agents/{name}"] = EndpointAccess.Admin,
        ["DELETE /admin/agents/{name}"] = EndpointAccess.Admin,
        ["DELETE /admin/cache"] = EndpointAccess.Admin,
        ["GET /admin/usage"] = EndpointAccess.Admin,
        ["GET /admin/requests"] = EndpointAccess.Admin,
        ["GET /admin/keys"] = EndpointAccess.Admin,
        ["POST /admin/keys"] = EndpointAccess.Admin,
        ["DELETE /admin/keys/{name}"] = EndpointAccess.Admin,
        ["POST /admin/model-tests"] = EndpointAccess.Admin,
        ["GET /admin/models"] = EndpointAccess.Admin,
        ["GET /admin/providers"] = EndpointAccess.Admin,
        ["GET /openapi/v1.json"] = EndpointAccess.Client,
        ["GET /swagger/{**path}"] = EndpointAccess.Client,
        ["GET /health/live"] = EndpointAccess.Open,
        ["GET /health/ready"] = EndpointAccess.Open,
        ["GET /metrics"] = EndpointAccess.Open,
    };

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Every_endpoint_is_classified_as_the_matrix_says()
    {
        await using var gateway = await new GatewayUnderTest().StartAsync();

        var found = gateway.Services.GetRequiredService<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>()
            .SelectMany(endpoint => (endpoint.Metadata.GetMetadata<HttpMethodMetadata>()?.HttpMethods ?? ["*"])
                .Select(method => $"{method} {endpoint.RoutePattern.RawText} {endpoint.Metadata.GetMetadata<EndpointAccessMetadata>()?.Access}"))
            .Order(StringComparer.Ordinal);

        Assert.Equal(Matrix.Select(row => $"{row.Key} {row.Value}").Order(StringComparer.Ordinal), found);
    }

    [Fact]
    public async Task Without_a_key_only_open_endpoints_answer()
    {
        await using var provider = ScriptedProvider.OpenAi();
        await using var gateway = await new GatewayUnderTest().InProduction(provider, Key).WithVariable("ADMIN_API_KEY", "admin-key-of-the-matrix").StartAsync();

        foreach (var (row, access) in Matrix)
        {
            var parts = row.Replace("{agent}", "default", StringComparison.Ordinal).Replace("{**", "", StringComparison.Ordinal).TrimEnd('}').Split(' ');
            using var request = new HttpRequestMessage(new HttpMethod(parts[0]), parts[1]);
            using var response = await gateway.Client.SendAsync(request, Cancellation);
            Assert.Equal((row, access == EndpointAccess.Open), (row, response.StatusCode == HttpStatusCode.OK));
            Assert.Equal((row, access != EndpointAccess.Open), (row, response.StatusCode == HttpStatusCode.Unauthorized));
        }

        Assert.Empty(provider.Requests);
    }

    [Theory]
    [InlineData("Authorization: Bearer " + Key)]
    [InlineData("Authorization: bearer " + Key)]
    [InlineData("Authorization: BEARER    " + Key + "  ")]
    [InlineData("authorization:Bearer " + Key)]
    [InlineData("x-api-key: " + Key)]
    [InlineData("api-key: " + Key)]
    [InlineData("API-Key: " + Key)]
    [InlineData("Authorization: Bearer " + Key, "x-api-key: " + Key, "api-key: " + Key)]
    [InlineData("Authorization: Basic dXNlcjpwYXNz", "x-api-key: " + Key)]
    public async Task A_key_is_taken_from_any_header_that_SDKs_use(params string[] lines)
    {
        await using var gateway = await new GatewayUnderTest().WithVariable("GATEWAY_API_KEYS", "crm:" + Key).StartAsync();

        var answer = await RawClient.PostAsync(new Uri(gateway.BaseUrl), "{}"u8.ToArray(), ["Content-Type: application/json", .. lines]);

        Assert.Equal("missing_required_parameter", OpenAiError.Read(answer).Code);
    }

    [Theory]
    [InlineData]
    [InlineData("Authorization: Bearer sk-client-471")]
    [InlineData("Authorization: Bearer sk-client-47111")]
    [InlineData("Authorization: Bearer SK-CLIENT-4711")]
    [InlineData("Authorization: Bearer")]
    [InlineData("Authorization: " + Key)]
    [InlineData("Authorization: Basic c2stY2xpZW50LTQ3MTE=")]
    [InlineData("x-api-key: Bearer " + Key)]
    [InlineData("x_api_key: " + Key)]
    [InlineData("Cookie: api-key=" + Key + "; Authorization=Bearer " + Key)]
    [InlineData("Authorization: Bearer " + Key, "x-api-key: " + Other)]
    [InlineData("Authorization: Bearer " + Key, "api-key: wrong")]
    [InlineData("Authorization: Bearer " + Key, "Authorization: Bearer " + Other)]
    [InlineData("x-api-key: " + Key, "x-api-key: " + Other)]
    [InlineData("Proxy-Authorization: Bearer " + Key)]
    public async Task Anything_else_is_no_key(params string[] lines)
    {
        await using var gateway = await new GatewayUnderTest().WithVariable("GATEWAY_API_KEYS", $"crm:{Key},erp:{Other}").StartAsync();

        var answer = await RawClient.PostAsync(new Uri(gateway.BaseUrl), "{}"u8.ToArray(), ["Content-Type: application/json", .. lines]);

        var error = OpenAiError.Read(answer);
        Assert.Equal((401, "invalid_request_error", "invalid_api_key"), (error.Status, error.Type, error.Code));
        Assert.DoesNotContain(Key, answer.Text);
    }

    [Theory]
    [InlineData("?api_key=" + Key)]
    [InlineData("?api-key=" + Key)]
    [InlineData("?key=" + Key)]
    [InlineData("?access_token=" + Key)]
    public async Task A_key_in_the_query_is_no_key(string query)
    {
        await using var gateway = await new GatewayUnderTest().WithVariable("GATEWAY_API_KEYS", "crm:" + Key).StartAsync();

        using var response = await gateway.SendAsync(Chat + query, "{}");

        Assert.Equal("invalid_api_key", (await OpenAiError.ReadAsync(response)).Code);
    }

    [Fact]
    public async Task A_very_long_key_is_refused_like_any_other()
    {
        await using var gateway = await new GatewayUnderTest().WithVariable("GATEWAY_API_KEYS", "crm:" + Key).StartAsync();

        using var response = await gateway.SendAsync(Chat, "{}", ("Authorization", "Bearer " + new string('k', 20_000)));

        Assert.Equal("invalid_api_key", (await OpenAiError.ReadAsync(response)).Code);
    }

    [Fact]
    public async Task The_body_of_a_refused_request_is_never_asked_for()
    {
        await using var gateway = await new GatewayUnderTest().WithVariable("GATEWAY_API_KEYS", "crm:" + Key).StartAsync();
        var address = new Uri(gateway.BaseUrl);
        string Head(string key) => RawClient.Head(
            "POST /v1/chat/completions HTTP/1.1", address, "Authorization: Bearer " + key, "Content-Type: application/json", "Content-Length: 2", "Expect: 100-continue");

        var refused = await RawClient.SendHeadAsync(address, Head("wrong"), "{}"u8.ToArray());
        var accepted = await RawClient.SendHeadAsync(address, Head(Key), "{}"u8.ToArray());

        Assert.Equal("HTTP/1.1 401 Unauthorized", refused.FirstLine);
        Assert.DoesNotContain("100 Continue", refused.All);
        Assert.Equal("HTTP/1.1 100 Continue", accepted.FirstLine);
        Assert.Contains("HTTP/1.1 400", accepted.All);
    }

    /// <summary>What a header alone can refuse must not make a client upload first.</summary>
    [Theory]
    [InlineData("Content-Length: 999999999", "413")]
    [InlineData("Content-Length: 2\r\nContent-Encoding: gzip", "415")]
    [InlineData("Content-Length: 2\r\nX-Session-Id: no spaces here", "400")]
    public async Task A_body_that_will_not_be_read_is_never_asked_for(string lines, string status)
    {
        await using var gateway = await new GatewayUnderTest().WithVariable("GATEWAY_API_KEYS", "crm:" + Key).StartAsync();
        var address = new Uri(gateway.BaseUrl);

        var answer = await RawClient.SendHeadAsync(
            address,
            RawClient.Head("POST /v1/chat/completions HTTP/1.1", address, "Authorization: Bearer " + Key, "Content-Type: application/json", "Expect: 100-continue", lines),
            "{}"u8.ToArray());

        Assert.StartsWith("HTTP/1.1 " + status, answer.FirstLine, StringComparison.Ordinal);
        Assert.DoesNotContain("100 Continue", answer.All);
    }

    [Fact]
    public async Task Development_without_keys_ignores_whatever_key_an_SDK_sends()
    {
        await using var gateway = await new GatewayUnderTest().StartAsync();

        var answer = await RawClient.PostAsync(
            new Uri(gateway.BaseUrl), "{}"u8.ToArray(), "Content-Type: application/json", "Authorization: Bearer sk-dummy", "x-api-key: another", "api-key: third");

        Assert.Equal("missing_required_parameter", OpenAiError.Read(answer).Code);
    }

    [Theory]
    [InlineData("Host: localhost:8080")]
    [InlineData("Host: LocalHost")]
    [InlineData("Host: 127.0.0.1:1")]
    [InlineData("Host: [::1]:8080")]
    [InlineData("Host: localhost", "Origin: http://localhost:3000")]
    public async Task Development_without_keys_serves_this_machine(params string[] lines) =>
        Assert.Equal(400, (await PostRawHostAsync(lines)).Status);

    /// <summary>Of the X-Forwarded headers only three used to be looked at.</summary>
    [Theory]
    [InlineData("Host: gateway.example.com")]
    [InlineData("Host: localhost.evil.example")]
    [InlineData("Host: 127.0.0.1.nip.io")]
    [InlineData("Host: 0.0.0.0")]
    [InlineData("Host: localhost", "Origin: https://evil.example")]
    [InlineData("Host: localhost", "Origin: null")]
    [InlineData("Host: localhost", "Origin: http://localhost.evil.example")]
    [InlineData("Host: localhost", "Origin: http://localhost", "Origin: https://evil.example")]
    [InlineData("Host: localhost", "Forwarded: for=127.0.0.1")]
    [InlineData("Host: localhost", "X-Forwarded-For: 127.0.0.1")]
    [InlineData("Host: localhost", "x-forwarded-proto: https")]
    [InlineData("Host: localhost", "X-Forwarded-Server: proxy")]
    [InlineData("Host: localhost", "X-Forwarded-Port: 443")]
    public async Task Development_without_keys_refuses_what_others_sent(params string[] lines)
    {
        var error = OpenAiError.Read(await PostRawHostAsync(lines));

        Assert.Equal((403, "permission_error"), (error.Status, error.Type));
    }

    [Fact]
    public async Task With_keys_it_is_the_key_that_counts_and_not_the_way()
    {
        await using var gateway = await new GatewayUnderTest().WithVariable("GATEWAY_API_KEYS", "crm:" + Key).StartAsync();
        var address = new Uri(gateway.BaseUrl);

        var answer = await RawClient.SendAsync(
            address,
            "POST /v1/chat/completions HTTP/1.1\r\nHost: gateway.example.com\r\nX-Forwarded-For: 10.0.0.1\r\nOrigin: https://app.example\r\nConnection: close\r\n"
            + $"Authorization: Bearer {Key}\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n",
            "{}"u8.ToArray());

        Assert.Equal(400, answer.Status);
    }

    [Fact]
    public async Task Auth_none_serves_everybody_and_still_knows_its_keys()
    {
        await using var provider = ScriptedProvider.OpenAi().AlwaysAnswers(_ => Script.Json(OpenAiReplies.Completion("hi")));
        await using var gateway = await new GatewayUnderTest().InProduction(provider, Key).WithVariable("GATEWAY_AUTH", "none").StartAsync();
        const string Body = """{"messages":[{"role":"user","content":"hi"}]}""";

        using var nobody = await gateway.SendAsync(Chat, Body);
        using var stranger = await gateway.SendAsync(Chat, Body, ("Authorization", "Bearer whatever"), ("X-Forwarded-For", "10.0.0.1"));
        using var known = await gateway.SendAsync(Chat, Body, ("Authorization", "Bearer " + Key));

        Assert.All([nobody, stranger, known], response => Assert.Equal(HttpStatusCode.OK, response.StatusCode));
        var rows = await gateway.Ledger.WaitForAsync("select key_name from request_records order by time_us", rows => rows.Count == 3);
        Assert.Equal(["anonymous", "anonymous", "test"], rows.Select(row => row["key_name"]));
    }

    [Fact]
    public async Task A_key_is_valid_from_its_first_to_its_last_moment()
    {
        var now = DateTimeOffset.UtcNow;
        await using var gateway = await new GatewayUnderTest().WithKeys(KeysFile(
            Entry("early", $"\"not_before\":\"{now.AddHours(1):yyyy-MM-ddTHH:mm:ssZ}\""),
            Entry("late", $"\"expires_at\":\"{now.AddHours(-1):yyyy-MM-ddTHH:mm:ssZ}\""),
            Entry("now", $"\"not_before\":\"{now.AddHours(-1):yyyy-MM-ddTHH:mm:ssZ}\",\"expires_at\":\"{now.AddHours(1):yyyy-MM-ddTHH:mm:ssZ}\""))).StartAsync();

        async Task<string?> CodeOf(string name)
        {
            using var response = await gateway.SendAsync(Chat, "{}", ("Authorization", "Bearer " + SecretOf(name)));
            return (await OpenAiError.ReadAsync(response)).Code;
        }

        Assert.Equal("invalid_api_key", await CodeOf("early"));
        Assert.Equal("invalid_api_key", await CodeOf("late"));
        Assert.Equal("missing_required_parameter", await CodeOf("now"));
    }

    [Theory]
    [InlineData("agent-bound", "writer", null, 200, null)]
    [InlineData("agent-bound", "reader", null, 403, "agent_not_allowed")]
    [InlineData("agent-bound", null, "agent:reader", 403, "agent_not_allowed")]
    [InlineData("agent-bound", null, "agent:writer", 200, null)]
    [InlineData("agent-bound", null, null, 403, "agent_not_allowed")]
    [InlineData("model-bound", null, "listed-model", 200, null)]
    [InlineData("model-bound", null, "acme/listed-model", 200, null)]
    [InlineData("model-bound", null, "acme/other-model", 403, "model_not_allowed")]
    [InlineData("model-bound", null, "second-listed", 403, "model_not_allowed")]
    [InlineData("model-bound", "writer", null, 200, null)]
    [InlineData("free", "reader", null, 200, null)]
    [InlineData("free", null, "acme/other-model", 200, null)]
    public async Task A_key_may_use_what_its_lists_name(string key, string? agent, string? model, int status, string? code)
    {
        await using var provider = ScriptedProvider.OpenAi().AlwaysAnswers(_ => Script.Json(OpenAiReplies.Completion("hi")));
        await using var gateway = await new GatewayUnderTest().InProduction(provider)
            .WithAgents("""{"agents":{"writer":{},"reader":{}}}""")
            .WithSettings($"providers:\n  acme:\n    type: openai\n    base_url: {provider.BaseUrl}\n    models: [listed-model, second-listed]\n")
            .WithKeys(KeysFile(Entry("agent-bound", "\"agents\":[\"writer\"]"), Entry("model-bound", "\"models\":[\"listed-model\"]"), Entry("free", "\"agents\":[\"*\"],\"models\":[\"*\"]")))
            .StartAsync();
        var body = model is null ? """{"messages":[{"role":"user","content":"hi"}]}""" : $$"""{"model":"{{model}}","messages":[{"role":"user","content":"hi"}]}""";

        using var response = await gateway.SendAsync(Chat, body, [("Authorization", "Bearer " + SecretOf(key)), .. agent is null ? [] : new[] { ("X-Agent-Profile", agent) }]);

        Assert.Equal(status, (int)response.StatusCode);
        Assert.Equal(status == 200 ? 1 : 0, provider.Requests.Count);
        if (code is not null)
        {
            var error = await OpenAiError.ReadAsync(response);
            Assert.Equal((code, "permission_error"), (error.Code, error.Type));
        }
    }

    [Theory]
    [InlineData("/V1/Chat/Completions")]
    [InlineData("/v1/chat/completions/")]
    [InlineData("/AGENTS/default/V1/chat/completions")]
    [InlineData("/v1/chat/completion%73")]
    public async Task Another_spelling_of_a_path_opens_nothing(string path)
    {
        await using var gateway = await new GatewayUnderTest().WithVariable("GATEWAY_API_KEYS", "crm:" + Key).StartAsync();

        using var response = await gateway.SendAsync(path, "{}");

        Assert.Equal("invalid_api_key", (await OpenAiError.ReadAsync(response)).Code);
    }

    [Fact]
    public async Task Only_listed_origins_get_CORS_headers()
    {
        await using var gateway = await new GatewayUnderTest().WithVariable("GATEWAY_API_KEYS", "crm:" + Key)
            .WithVariable("GATEWAY_CORS_ORIGINS", "https://app.example.com").StartAsync();

        using var listed = await PreflightAsync(gateway, "https://app.example.com");
        using var foreign = await PreflightAsync(gateway, "https://evil.example.com");
        using var answer = await gateway.SendAsync(Chat, "{}", ("Authorization", "Bearer " + Key), ("Origin", "https://app.example.com"));

        Assert.Equal(HttpStatusCode.NoContent, listed.StatusCode);
        Assert.Equal("https://app.example.com", listed.Headers.GetValues("Access-Control-Allow-Origin").Single());
        Assert.False(foreign.Headers.Contains("Access-Control-Allow-Origin"));
        Assert.Equal("https://app.example.com", answer.Headers.GetValues("Access-Control-Allow-Origin").Single());
        Assert.Contains("X-Request-Id", answer.Headers.GetValues("Access-Control-Expose-Headers").Single());
    }

    [Fact]
    public async Task A_listed_origin_needs_no_key_in_keyless_development()
    {
        await using var gateway = await new GatewayUnderTest().WithVariable("GATEWAY_CORS_ORIGINS", "https://app.example.com").StartAsync();
        const string Body = """{"messages":[{"role":"user","content":"hi"}]}""";

        using var listed = await gateway.SendAsync(Chat, Body, ("Origin", "https://app.example.com"));
        using var foreign = await gateway.SendAsync(Chat, Body, ("Origin", "https://evil.example.com"));

        Assert.Equal(HttpStatusCode.OK, listed.StatusCode);
        Assert.Equal(HttpStatusCode.Forbidden, foreign.StatusCode);
    }

    [Fact]
    public async Task Without_a_list_there_are_no_CORS_headers()
    {
        await using var gateway = await new GatewayUnderTest().WithVariable("GATEWAY_API_KEYS", "crm:" + Key).StartAsync();

        using var preflight = await PreflightAsync(gateway, "https://app.example.com");
        using var answer = await gateway.SendAsync(Chat, "{}", ("Authorization", "Bearer " + Key), ("Origin", "https://app.example.com"));

        Assert.DoesNotContain(preflight.Headers.Concat(answer.Headers), header => header.Key.StartsWith("Access-Control", StringComparison.OrdinalIgnoreCase));
    }

    private static string SecretOf(string name) => $"sk-gw-secret-of-{name}";

    private static string Entry(string name, string members) =>
        $$"""{"name":"{{name}}","sha256":"{{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(SecretOf(name))))}}",{{members}}}""";

    private static string KeysFile(params string[] entries) => $$"""{"keys":[{{string.Join(',', entries)}}]}""";

    private static async Task<RawAnswer> PostRawHostAsync(string[] lines)
    {
        await using var gateway = await new GatewayUnderTest().StartAsync();
        var head = "POST /v1/chat/completions HTTP/1.1\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: 2\r\n" + string.Concat(lines.Select(line => line + "\r\n")) + "\r\n";
        return await RawClient.SendAsync(new Uri(gateway.BaseUrl), head, "{}"u8.ToArray());
    }

    private static async Task<HttpResponseMessage> PreflightAsync(GatewayUnderTest gateway, string origin)
    {
        using var request = new HttpRequestMessage(HttpMethod.Options, Chat);
        request.Headers.Add("Origin", origin);
        request.Headers.Add("Access-Control-Request-Method", "POST");
        request.Headers.Add("Access-Control-Request-Headers", "authorization,content-type");
        return await gateway.Client.SendAsync(request, Cancellation);
    }
}
