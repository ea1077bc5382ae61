using System.ClientModel;
using System.ClientModel.Primitives;
using System.Net;
using System.Text.Json;
using LlmGateway.FunctionalTests.Infrastructure;
using OpenAI;
using OpenAI.Models;

namespace LlmGateway.FunctionalTests;

/// <summary>The list of models: what this key may name, and what the names then mean.</summary>
public sealed class ModelsTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_OpenAI_client_lists_models_and_agents()
    {
        await using var provider = ScriptedProvider.OpenAi();
        await using var gateway = await Gateway(provider).StartAsync();
        var client = new OpenAIModelClient(
            new ApiKeyCredential("sk-client"), new OpenAIClientOptions { Endpoint = new Uri(gateway.BaseUrl + "/v1"), RetryPolicy = new ClientRetryPolicy(0) });

        OpenAIModelCollection models = await client.GetModelsAsync(Cancellation);
        OpenAIModel one = await client.GetModelAsync("agent:writer", Cancellation);

        Assert.Equal(
            ["agent:writer gateway", "internal-model internal", "library/code:7b spare", "plain spare"],
            models.Select(model => $"{model.Id} {model.OwnedBy}"));
        Assert.Equal("gateway", one.OwnedBy);
        OpenAiSchema.AssertValid(OpenAiSchema.Models, await (await GetAsync(gateway, "/v1/models")).Content.ReadAsStringAsync(Cancellation));
    }

    [Theory]
    [InlineData("library/code:7b", "spare")]
    [InlineData("library%2Fcode%3A7b", "spare")]
    [InlineData("agent:writer", "gateway")]
    [InlineData("agent%3Awriter", "gateway")]
    [InlineData("spare/plain", "spare")]
    public async Task One_is_found_by_its_id_escaped_or_not(string id, string owner)
    {
        await using var provider = ScriptedProvider.OpenAi();
        await using var gateway = await Gateway(provider).StartAsync();

        using var response = await GetAsync(gateway, "/v1/models/" + id);

        var json = await response.Content.ReadAsStringAsync(Cancellation);
        OpenAiSchema.AssertValid(OpenAiSchema.Model, json);
        using var document = JsonDocument.Parse(json);
        Assert.Equal(owner, document.RootElement.GetProperty("owned_by").GetString());
        Assert.Equal(Uri.UnescapeDataString(id), document.RootElement.GetProperty("id").GetString());
    }

    [Fact]
    public async Task Behind_an_agents_path_they_are_the_same()
    {
        await using var provider = ScriptedProvider.OpenAi();
        await using var gateway = await Gateway(provider).StartAsync();

        using var all = await GetAsync(gateway, "/v1/models");
        using var list = await GetAsync(gateway, "/agents/writer/v1/models");
        using var one = await GetAsync(gateway, "/agents/writer/v1/models/library%2Fcode%3A7b");
        using var nobody = await GetAsync(gateway, "/agents/nobody/v1/models");

        Assert.Equal(await all.Content.ReadAsStringAsync(Cancellation), await list.Content.ReadAsStringAsync(Cancellation));
        Assert.Equal(HttpStatusCode.OK, one.StatusCode);
        var error = await OpenAiError.ReadAsync(nobody);
        Assert.Equal((404, "agent_not_found"), (error.Status, error.Code));
    }

    [Theory]
    [InlineData("unknown")]
    [InlineData("agent:nobody")]
    [InlineData("spare/unknown")]
    [InlineData("..%2F..%2Fadmin")]
    public async Task An_unknown_one_is_404_in_OpenAIs_shape(string id)
    {
        await using var provider = ScriptedProvider.OpenAi();
        await using var gateway = await Gateway(provider).StartAsync();

        using var response = await GetAsync(gateway, "/v1/models/" + id);

        var json = await response.Content.ReadAsStringAsync(Cancellation);
        Assert.Equal(HttpStatusCode.NotFound, response.StatusCode);
        OpenAiSchema.AssertValid(OpenAiSchema.Error, json);
        Assert.Contains("model_not_found", json, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_key_sees_only_what_it_may_use()
    {
        await using var provider = ScriptedProvider.OpenAi();
        var hash = Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData("sk-narrow"u8));
        await using var gateway = await Gateway(provider)
            .WithKeys($$"""{"keys":[{"name":"narrow","sha256":"{{hash}}","agents":["writer"],"models":["plain"]}]}""").StartAsync();

        using var response = await GetAsync(gateway, "/v1/models", "sk-narrow");
        using var hidden = await GetAsync(gateway, "/v1/models/internal-model", "sk-narrow");

        using var document = JsonDocument.Parse(await response.Content.ReadAsStringAsync(Cancellation));
        Assert.Equal(["agent:writer", "plain"], document.RootElement.GetProperty("data").EnumerateArray().Select(model => model.GetProperty("id").GetString()));
        Assert.Equal(HttpStatusCode.NotFound, hidden.StatusCode);
    }

    [Fact]
    public async Task Anthropics_clients_get_Anthropics_shape()
    {
        await using var provider = ScriptedProvider.OpenAi();
        await using var gateway = await Gateway(provider).StartAsync();
        using var request = new HttpRequestMessage(HttpMethod.Get, "/v1/models");
        request.Headers.Add("anthropic-version", "2023-06-01");
        request.Headers.Add("x-api-key", "sk-client");

        using var response = await gateway.Client.SendAsync(request, Cancellation);

        using var document = JsonDocument.Parse(await response.Content.ReadAsStringAsync(Cancellation));
        var root = document.RootElement;
        Assert.Equal(("agent:writer", "plain", false), (root.GetProperty("first_id").GetString(), root.GetProperty("last_id").GetString(), root.GetProperty("has_more").GetBoolean()));
        Assert.Equal(("model", "agent:writer"), (root.GetProperty("data")[0].GetProperty("type").GetString(), root.GetProperty("data")[0].GetProperty("display_name").GetString()));
        Assert.True(root.GetProperty("data")[0].GetProperty("created_at").TryGetDateTimeOffset(out _));
    }

    [Theory]
    [InlineData("/v1/models/nothing", "nothing")]
    [InlineData("/agents/nobody/v1/models", "nobody")]
    public async Task Anthropics_clients_read_a_refusal_in_Anthropics_shape(string path, string named)
    {
        await using var provider = ScriptedProvider.OpenAi();
        await using var gateway = await Gateway(provider).StartAsync();
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        request.Headers.Add("anthropic-version", "2023-06-01");
        request.Headers.Add("x-api-key", "sk-client");

        using var response = await gateway.Client.SendAsync(request, Cancellation);

        Assert.Equal(HttpStatusCode.NotFound, response.StatusCode);
        using var document = JsonDocument.Parse(await response.Content.ReadAsStringAsync(Cancellation));
        var error = document.RootElement.GetProperty("error");
        Assert.Equal(("error", "not_found_error"), (document.RootElement.GetProperty("type").GetString(), error.GetProperty("type").GetString()));
        Assert.Contains(named, error.GetProperty("message").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_a_key_nothing_is_told()
    {
        await using var provider = ScriptedProvider.OpenAi();
        await using var gateway = await Gateway(provider).StartAsync();

        using var response = await gateway.Client.GetAsync(new Uri("/v1/models", UriKind.Relative), Cancellation);

        Assert.Equal(HttpStatusCode.Unauthorized, response.StatusCode);
    }

    private static GatewayUnderTest Gateway(ScriptedProvider provider) => new GatewayUnderTest().InProduction(provider)
        .WithSettings($"providers:\n  spare:\n    base_url: {provider.BaseUrl}\n    models: [\"library/code:7b\", plain]\n")
        .WithAgents("""{"agents":{"writer":{"provider":"internal","model_name":"writer-model"}}}""");

    private static Task<HttpResponseMessage> GetAsync(GatewayUnderTest gateway, string path, string key = "sk-client")
    {
        var request = new HttpRequestMessage(HttpMethod.Get, path);
        request.Headers.Add("Authorization", "Bearer " + key);
        return gateway.Client.SendAsync(request, Cancellation);
    }
}
