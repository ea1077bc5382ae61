using System.Net;
using System.Text.Json;
using LlmGateway.FunctionalTests.Infrastructure;

namespace LlmGateway.FunctionalTests;

/// <summary>An operator asks where a request would go; nobody else may, and no provider is asked.</summary>
public sealed class ExplainTests
{
    private const string AdminKey = "admin-0123456789abcdef0123456789abcdef";

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_route_is_told_in_order_with_times_and_what_is_left_out()
    {
        await using var provider = ScriptedProvider.OpenAi();
        await using var gateway = await Gateway(provider).StartAsync();

        using var response = await gateway.SendAsync("/admin/explain", """{"agent":"writer","stream":true,"tools":false}""", Admin);

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        using var document = JsonDocument.Parse(await response.Content.ReadAsStringAsync(Cancellation));
        var root = document.RootElement;
        Assert.Equal(("writer", "single", true), (root.GetProperty("agent").GetString(), root.GetProperty("strategy").GetString(), root.GetProperty("stream").GetBoolean()));
        var target = Assert.Single(root.GetProperty("targets").EnumerateArray());
        Assert.Equal(("internal", "writer-model", 7000), (target.GetProperty("provider").GetString(), target.GetProperty("model").GetString(), target.GetProperty("timeout_ms").GetInt32()));
        var skipped = Assert.Single(root.GetProperty("skipped").EnumerateArray());
        Assert.Equal(("openai", "missing_api_key"), (skipped.GetProperty("provider").GetString(), skipped.GetProperty("reason").GetString()));
        Assert.Contains("OPENAI_API_KEY", skipped.GetProperty("explanation").GetString(), StringComparison.Ordinal);
        Assert.Equal(600_000, root.GetProperty("total_timeout_ms").GetInt32());
        Assert.Empty(provider.Requests);
    }

    [Theory]
    [InlineData("""{"agent":"nobody"}""", 404, "agent_not_found")]
    [InlineData("""{"model":"role:nothing"}""", 404, "model_not_found")]
    [InlineData("""{"agnet":"writer"}""", 400, "invalid_request")]
    [InlineData("""{"stream":"yes"}""", 400, "invalid_request")]
    [InlineData("""{"key":"nobody"}""", 400, "invalid_request")]
    [InlineData("""{"agent":"a","agent":"b"}""", 400, "invalid_json")]
    [InlineData("[]", 400, "invalid_json")]
    public async Task What_is_wrong_is_answered_as_the_request_would_be(string body, int status, string code)
    {
        await using var provider = ScriptedProvider.OpenAi();
        await using var gateway = await Gateway(provider).StartAsync();

        using var response = await gateway.SendAsync("/admin/explain", body, Admin);

        Assert.Equal(status, (int)response.StatusCode);
        Assert.Contains(code, await response.Content.ReadAsStringAsync(Cancellation), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_keys_limits_are_part_of_the_answer()
    {
        await using var provider = ScriptedProvider.OpenAi();
        var hash = Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData("sk-narrow"u8));
        await using var gateway = await Gateway(provider).WithKeys($$"""{"keys":[{"name":"narrow","sha256":"{{hash}}","agents":["writer"]}]}""").StartAsync();

        using var allowed = await gateway.SendAsync("/admin/explain", """{"agent":"writer","key":"narrow"}""", Admin);
        using var denied = await gateway.SendAsync("/admin/explain", """{"key":"narrow"}""", Admin);

        Assert.Equal(HttpStatusCode.OK, allowed.StatusCode);
        Assert.Equal(HttpStatusCode.Forbidden, denied.StatusCode);
        Assert.Contains("agent_not_allowed", await denied.Content.ReadAsStringAsync(Cancellation), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("Bearer sk-client")]
    [InlineData("Bearer admin")]
    [InlineData("Bearer ")]
    [InlineData("Basic admin-0123456789abcdef0123456789abcdef")]
    public async Task Without_the_admin_key_it_is_401(string? authorization)
    {
        await using var provider = ScriptedProvider.OpenAi();
        await using var gateway = await Gateway(provider).StartAsync();

        using var response = await gateway.SendAsync("/admin/explain", "{}", authorization is null ? [] : [("Authorization", authorization)]);

        Assert.Equal(HttpStatusCode.Unauthorized, response.StatusCode);
        OpenAiSchema.AssertValid(OpenAiSchema.Error, await response.Content.ReadAsStringAsync(Cancellation));
    }

    [Fact]
    public async Task The_admin_key_is_no_client_key()
    {
        await using var provider = ScriptedProvider.OpenAi();
        await using var gateway = await Gateway(provider).StartAsync();

        using var response = await gateway.SendAsync("/v1/embeddings", """{"input":"a"}""", Admin);

        Assert.Equal(HttpStatusCode.Unauthorized, response.StatusCode);
    }

    [Fact]
    public async Task Without_such_a_key_there_is_no_administration_in_production()
    {
        await using var provider = ScriptedProvider.OpenAi();
        await using var gateway = await Gateway(provider).WithoutVariable("ADMIN_API_KEY").StartAsync();

        using var response = await gateway.SendAsync("/admin/explain", "{}", Admin);

        Assert.Equal(HttpStatusCode.NotFound, response.StatusCode);
    }

    [Theory]
    [InlineData("Origin", "http://localhost:3000", 200)]
    [InlineData("Origin", "http://evil.test", 404)]
    [InlineData("X-Forwarded-For", "10.0.0.1", 404)]
    public async Task In_development_it_is_open_to_this_machine_alone(string header, string value, int status)
    {
        await using var gateway = await new GatewayUnderTest().StartAsync();

        using var response = await gateway.SendAsync("/admin/explain", """{"model":"mock/anything"}""", (header, value));

        Assert.Equal(status, (int)response.StatusCode);
    }

    [Fact]
    public async Task In_development_the_mock_is_told_to_come_only_after_some_reasons()
    {
        await using var gateway = await new GatewayUnderTest().StartAsync();

        using var response = await gateway.SendAsync("/admin/explain", "{}");

        using var document = JsonDocument.Parse(await response.Content.ReadAsStringAsync(Cancellation));
        var targets = document.RootElement.GetProperty("targets").EnumerateArray().ToList();
        Assert.Equal(["ollama", "mock"], targets.Select(target => target.GetProperty("provider").GetString()));
        Assert.Equal(["connection", "model_unavailable"], targets[1].GetProperty("only_after").EnumerateArray().Select(reason => reason.GetString()));
        Assert.Equal(300_000, targets[0].GetProperty("first_token_timeout_ms").GetInt32());
    }

    private static (string Name, string Value) Admin => ("Authorization", "Bearer " + AdminKey);

    private static GatewayUnderTest Gateway(ScriptedProvider provider) => new GatewayUnderTest().InProduction(provider)
        .WithoutVariable("OLLAMA_BASE_URL")
        .WithVariable("ADMIN_API_KEY", AdminKey)
        .WithAgents("""{"agents":{"writer":{"provider":"internal","model_name":"writer-model","timeout":7,"fallbacks":[{"provider":"openai","model_name":"gpt-x"}]}}}""");
}
