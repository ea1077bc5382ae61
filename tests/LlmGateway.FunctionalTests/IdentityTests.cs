using System.Security.Cryptography;
using System.Text;
using LlmGateway.FunctionalTests.Infrastructure;

namespace LlmGateway.FunctionalTests;

/// <summary>Who the internal API is told the call is for, and that nothing else of the client's headers reaches any provider.</summary>
public sealed class IdentityTests
{
    private const string Body = """{"model":"internal-model","messages":[{"role":"user","content":"hi"}]}""";
    private const string Guid = "<uuid>";

    /// <summary>All that a client could hope to smuggle through.</summary>
    private static readonly string[] Smuggled =
    [
        "Cookie: session=1", "baggage: a=b", "X-Forwarded-For: 10.0.0.1", "X-Forwarded-Host: evil", "Forwarded: for=10.0.0.1", "Via: 1.1 me", "TE: trailers",
        "OpenAI-Organization: org-1", "OpenAI-Project: proj-1", "OpenAI-Beta: assistants=v2", "HTTP-Referer: https://evil", "X-Title: evil", "anthropic-version: 1", "x-goog-api-key: evil",
        "User-Agent: python-openai/1.0", "Accept: text/evil", "Accept-Encoding: gzip", "Accept-Language: de", "Proxy-Authorization: Basic eA==", "X-Stainless-Lang: python",
        "X-Custom: 1", "X-Agent-Profile:", "X-Request-Id: my-request", "Idempotency-Key: 1", "Range: bytes=0-1", "If-None-Match: x", "Origin: https://app",
        "x-dep-ticket: forged", "X-DEP-TICKET: forged", "x_dep_ticket: forged", "User-Id: forged", "user-id: forged", "User_Id: forged", "User-Type: forged", "Send-System-Name: forged",
        "send_system_name: forged", "Prompt-Msg-Id: forged", "Completion-Msg-Id: forged", "completion-msg-id: forged-too",
    ];

    [Fact]
    public async Task The_internal_API_gets_exactly_these_headers()
    {
        await using var provider = Hello();
        await using var gateway = await new GatewayUnderTest().InProduction(provider)
            .WithVariable("INTERNAL_LLM_API_KEY", "internal-key").WithVariable("INTERNAL_LLM_TICKET", "company-ticket").WithVariable("INTERNAL_LLM_SYSTEM_NAME", "crm-system")
            .WithVariable("USER_ID", "nobody").StartAsync();

        var answer = await PostAsync(gateway, [.. Smuggled, "X-User-Id: jane.doe", "X-User-Type: EXTERNAL"]);

        Assert.Equal(200, answer.Status);
        Assert.Equal(
            [
                "authorization: Bearer internal-key", "completion-msg-id: " + Guid, $"content-length: {Body.Length}", "content-type: application/json", $"host: 127.0.0.1:{provider.Port}",
                "prompt-msg-id: " + Guid, "send-system-name: crm-system", "user-id: jane.doe", "user-type: EXTERNAL", "x-dep-ticket: company-ticket",
            ],
            HeadersOf(provider.Requests.Single()));
    }

    [Fact]
    public async Task Another_provider_gets_exactly_these_headers()
    {
        await using var provider = Hello();
        await using var gateway = await new GatewayUnderTest().InProduction(provider)
            .WithVariable("INTERNAL_LLM_TICKET", "company-ticket").WithVariable("INTERNAL_LLM_SYSTEM_NAME", "crm-system").WithVariable("USER_ID", "nobody")
            .WithVariable("ACME_KEY", "acme-key")
            .WithSettings($$"""
                llm: { default_provider: acme, default_model: internal-model }
                providers:
                  acme: { base_url: {{provider.BaseUrl}}, api_key: "${ACME_KEY}", headers: { X-Title: my-team } }
                """)
            .StartAsync();

        var answer = await PostAsync(
            gateway, [.. Smuggled, "X-User-Id: jane.doe", "X-User-Type: EXTERNAL", "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "tracestate: a=b"]);

        Assert.Equal(200, answer.Status);
        Assert.Equal(
            ["authorization: Bearer acme-key", $"content-length: {Body.Length}", "content-type: application/json", $"host: 127.0.0.1:{provider.Port}", "x-title: my-team"],
            HeadersOf(provider.Requests.Single()));
    }

    [Fact]
    public async Task A_provider_whose_settings_name_identity_headers_gets_them()
    {
        await using var provider = Hello();
        await using var gateway = await new GatewayUnderTest().InProduction(provider).WithVariable("INTERNAL_LLM_TICKET", "company-ticket")
            .WithSettings($$"""
                llm: { default_provider: acme, default_model: internal-model }
                providers:
                  acme: { base_url: {{provider.BaseUrl}}, identity_headers: { x-dep-ticket: X-Acme-Ticket, User-Id: X-Acme-User } }
                """)
            .StartAsync();

        await PostAsync(gateway, ["X-User-Id: jane.doe"]);

        var request = provider.Requests.Single();
        Assert.Equal(("company-ticket", "jane.doe"), (request.Header("X-Acme-Ticket"), request.Header("X-Acme-User")));
    }

    [Fact]
    public async Task The_trace_goes_on_to_the_internal_api_alone()
    {
        const string Trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        await using var provider = Hello();
        await using var gateway = await new GatewayUnderTest().InProduction(provider).StartAsync();

        await PostAsync(gateway, ["traceparent: " + Trace, "tracestate: a=b", "baggage: user=jane"]);
        await PostAsync(gateway, ["traceparent: " + Trace + "-forged"]);

        Assert.Equal(Trace, provider.Requests[0].Header("traceparent"));
        Assert.Null(provider.Requests[1].Header("traceparent"));
        Assert.All(provider.Requests, request => Assert.True(request.Header("tracestate") is null && request.Header("baggage") is null));
    }

    [Theory]
    [InlineData("with-ticket", "ticketed", "ticket-of-key")]
    [InlineData("plain", "ticketed", "ticket-of-agent")]
    [InlineData("plain", null, "company-ticket")]
    [InlineData("with-ticket", null, "ticket-of-key")]
    public async Task The_ticket_is_the_keys_else_the_agents_else_the_companys(string key, string? agent, string expected)
    {
        await using var provider = Hello();
        await using var gateway = await WithKeysAsync(provider);

        var answer = await PostAsync(gateway, [.. agent is null ? [] : new[] { "X-Agent-Profile: " + agent }], SecretOf(key));

        Assert.Equal(200, answer.Status);
        Assert.Equal(expected, provider.Requests.Single().Header("x-dep-ticket"));
    }

    [Theory]
    [InlineData("plain", "jane", "jane")]
    [InlineData("plain", null, "user-of-environment")]
    [InlineData("plain", "", "user-of-environment")]
    [InlineData("service", "jane", "jane")]
    [InlineData("service", null, "svc-crm")]
    [InlineData("bound", "jane", "svc-bound")]
    [InlineData("bound-nameless", "jane", "user-of-environment")]
    public async Task The_user_is_the_requests_else_the_keys_else_the_environments(string key, string? header, string expected)
    {
        await using var provider = Hello();
        await using var gateway = await WithKeysAsync(provider);

        var answer = await PostAsync(gateway, [.. header is null ? [] : new[] { "X-User-Id: " + header }], SecretOf(key));

        Assert.Equal(200, answer.Status);
        Assert.Equal(expected, provider.Requests.Single().Header("User-Id"));
    }

    [Theory]
    [InlineData("plain", null, "AD")]
    [InlineData("plain", "PARTNER", "PARTNER")]
    [InlineData("bound", "PARTNER", "AD")]
    public async Task The_user_type_is_the_requests_else_the_environments(string key, string? header, string expected)
    {
        await using var provider = Hello();
        await using var gateway = await WithKeysAsync(provider);

        await PostAsync(gateway, [.. header is null ? [] : new[] { "X-User-Type: " + header }], SecretOf(key));

        Assert.Equal(expected, provider.Requests.Single().Header("User-Type"));
    }

    [Fact]
    public async Task What_nobody_sets_is_not_sent()
    {
        await using var provider = Hello();
        await using var gateway = await new GatewayUnderTest().InProduction(provider).StartAsync();

        await PostAsync(gateway, []);

        Assert.Equal(
            ["completion-msg-id", "content-length", "content-type", "host", "prompt-msg-id", "user-type"],
            provider.Requests.Single().Headers.Select(header => header.Key.ToLowerInvariant()).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Message_ids_are_fresh_for_every_attempt()
    {
        await using var provider = ScriptedProvider.OpenAi().Answers(
            Script.Json(OpenAiReplies.Error("down"), 500), Script.Json(OpenAiReplies.Completion("hi")), Script.Json(OpenAiReplies.Completion("hi")));
        await using var gateway = await new GatewayUnderTest().InProduction(provider)
            .WithAgents("""{"fallback_settings":{"providers":[{"provider":"internal","model_name":"second"}]}}""").StartAsync();

        await PostAsync(gateway, []);
        await PostAsync(gateway, []);

        var ids = provider.Requests.SelectMany(request => new[] { request.Header("Prompt-Msg-Id"), request.Header("Completion-Msg-Id") }).ToList();
        Assert.Equal(3, provider.Requests.Count);
        Assert.All(ids, id => Assert.True(System.Guid.TryParseExact(id, "D", out _)));
        Assert.Equal(6, ids.Distinct().Count());
    }

    [Theory]
    [InlineData("X-User-Id", "a\u001b[31mb")]
    [InlineData("X-User-Id", "a\tb")]
    [InlineData("X-User-Id", "a\u007fb")]
    [InlineData("X-User-Id", "j\u00c3\u00bcrgen")]
    [InlineData("X-User-Id", "j\u00fcrgen")]
    [InlineData("X-User-Type", "\u00e2\u0080\u00a8")]
    [InlineData("X-User-Id", "257")]
    [InlineData("X-User-Type", "a\u0001")]
    [InlineData("X-User-Id", "one\r\nX-User-Id: two")]
    [InlineData("X-User-Type", "one\r\nx-user-type: one")]
    public async Task A_malformed_identity_is_refused_before_routing(string name, string value)
    {
        await using var provider = ScriptedProvider.OpenAi();
        await using var gateway = await new GatewayUnderTest().InProduction(provider).StartAsync();

        // The agent is unknown as well: the header must be judged first.
        var answer = await PostAsync(gateway, [$"{name}: {(value == "257" ? new string('u', 257) : value)}", "X-Agent-Profile: nobody"]);

        var error = OpenAiError.Read(answer);
        Assert.Equal((400, "invalid_request_error", "invalid_header", name), (error.Status, error.Type, error.Code, error.Param));
        Assert.Empty(provider.Requests);
    }

    [Fact]
    public async Task The_longest_identity_is_taken()
    {
        await using var provider = Hello();
        await using var gateway = await new GatewayUnderTest().InProduction(provider).StartAsync();

        await PostAsync(gateway, ["X-User-Id: " + new string('u', 256)]);

        Assert.Equal(new string('u', 256), provider.Requests.Single().Header("User-Id"));
    }

    [Fact]
    public async Task The_names_are_configuration()
    {
        await using var provider = Hello();
        await using var gateway = await new GatewayUnderTest().InProduction(provider).WithVariable("INTERNAL_LLM_TICKET", "company-ticket").WithVariable("USER_ID", "nobody")
            .WithSettings("providers:\n  internal:\n    identity_headers: { x-dep-ticket: X-Cost-Centre, User-Id: X-Employee, Prompt-Msg-Id: X-Prompt }\n")
            .StartAsync();

        await PostAsync(gateway, ["X-Cost-Centre: forged", "x-employee: forged"]);

        var request = provider.Requests.Single();
        Assert.Equal("company-ticket", request.Header("X-Cost-Centre"));
        Assert.Equal("nobody", request.Header("X-Employee"));
        Assert.True(System.Guid.TryParse(request.Header("X-Prompt"), out _));
        Assert.Null(request.Header("x-dep-ticket"));
        Assert.Null(request.Header("User-Id"));
        Assert.Equal("AD", request.Header("User-Type"));
    }

    private static ScriptedProvider Hello() => ScriptedProvider.OpenAi().AlwaysAnswers(_ => Script.Json(OpenAiReplies.Completion("hi")));

    private static string SecretOf(string key) => "sk-gw-secret-of-" + key;

    private static Task<GatewayUnderTest> WithKeysAsync(ScriptedProvider provider) => new GatewayUnderTest().InProduction(provider)
        .WithVariable("INTERNAL_LLM_TICKET", "company-ticket").WithVariable("KEY_TICKET", "ticket-of-key").WithVariable("AGENT_TICKET", "ticket-of-agent")
        .WithVariable("USER_ID", "user-of-environment")
        .WithAgents("""{"agents":{"ticketed":{"ticket_env":"AGENT_TICKET"}}}""")
        .WithKeys("{\"keys\":[" + string.Join(',', Entry("with-ticket", "\"ticket_env\":\"KEY_TICKET\""), Entry("plain", "\"department\":\"sales\""), Entry("service", "\"user_id\":\"svc-crm\""),
            Entry("bound", "\"user_id\":\"svc-bound\",\"user_header\":false"), Entry("bound-nameless", "\"user_header\":false")) + "]}")
        .StartAsync();

    private static string Entry(string name, string members) =>
        $$"""{"name":"{{name}}","sha256":"{{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(SecretOf(name))))}}",{{members}}}""";

    private static Task<RawAnswer> PostAsync(GatewayUnderTest gateway, string[] lines, string key = "sk-client") =>
        RawClient.PostAsync(new Uri(gateway.BaseUrl), Encoding.UTF8.GetBytes(Body), ["Authorization: Bearer " + key, "Content-Type: application/json", .. lines]);

    /// <summary>All headers in order of their names, fresh ids replaced by a mark.</summary>
    private static List<string> HeadersOf(RecordedRequest request) =>
    [
        .. request.Headers
            .Select(header => $"{header.Key.ToLowerInvariant()}: {(System.Guid.TryParseExact(header.Value, "D", out _) ? Guid : header.Value)}")
            .Order(StringComparer.Ordinal),
    ];
}
