using System.Net;
using LlmGateway.FunctionalTests.Infrastructure;

namespace LlmGateway.FunctionalTests;

/// <summary>Servers that speak OpenAI's form with habits of their own: the client sees none of them.</summary>
public sealed class OpenAiFlavorTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Azure_is_called_by_deployment_with_its_own_header()
    {
        await using var provider = ScriptedProvider.Anything().On("POST /openai/deployments/my-gpt/chat/completions", Script.Json(OpenAiReplies.Completion("hi")));
        await using var gateway = await StartAsync("azure", provider, "my-gpt", "    api_version: 2024-10-21\n");

        using var response = await SendAsync(gateway, """{"messages":[{"role":"user","content":"hi"}]}""");

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        var request = provider.Requests.Single();
        Assert.Equal("/openai/deployments/my-gpt/chat/completions?api-version=2024-10-21", request.Target);
        Assert.Equal("own-key", request.Header("api-key"));
        Assert.Null(request.Header("authorization"));
    }

    [Fact]
    public async Task DeepSeek_gets_its_reasoning_back_though_the_client_dropped_it()
    {
        const string Call = """{"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"role":"assistant","content":null,"tool_calls":[{"index":0,"id":"call_1","type":"function","function":{"name":"f","arguments":"{}"}}]},"logprobs":null,"finish_reason":null}]}""";
        const string Thought = """{"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"role":"assistant","content":null,"reasoning_content":"because"},"logprobs":null,"finish_reason":null}]}""";
        const string Finish = """{"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{},"logprobs":null,"finish_reason":"tool_calls"}]}""";
        await using var provider = ScriptedProvider.OpenAi().Answers(Script.Sse(Thought, Call, Finish).Done(), Script.Json(OpenAiReplies.Completion("done")));
        await using var gateway = await StartAsync("deepseek", provider, "deepseek-reasoner");

        using var first = await gateway.OpenStreamAsync("/v1/chat/completions", """{"stream":true,"tools":[{"type":"function","function":{"name":"f"}}],"messages":[{"role":"user","content":"go"}]}""", ("Authorization", "Bearer sk-client"));
        await using var reader = await SseReader.OpenAsync(first, Cancellation);
        await reader.ReadToEndAsync();
        using var second = await SendAsync(gateway, """{"messages":[{"role":"developer","content":"s"},{"role":"user","content":"go"},{"role":"assistant","content":null,"tool_calls":[{"id":"call_1","type":"function","function":{"name":"f","arguments":"{}"}}]},{"role":"tool","tool_call_id":"call_1","content":"1"}]}""");

        Assert.Equal(HttpStatusCode.OK, second.StatusCode);
        var messages = provider.Requests[1].Json().GetProperty("messages");
        Assert.Equal("system", messages[0].GetProperty("role").GetString());
        Assert.Equal("because", messages[2].GetProperty("reasoning_content").GetString());
    }

    [Fact]
    public async Task Mistral_gets_ids_that_it_takes_the_same_on_call_and_result()
    {
        await using var provider = ScriptedProvider.OpenAi().Answers(Script.Json(OpenAiReplies.Completion("done")));
        await using var gateway = await StartAsync("mistral", provider, "mistral-large");

        using var response = await SendAsync(gateway, """{"messages":[{"role":"user","content":"go"},{"role":"assistant","content":null,"tool_calls":[{"id":"call_0fypS1hVX","type":"function","function":{"name":"f","arguments":"{}"}}]},{"role":"tool","tool_call_id":"call_0fypS1hVX","content":"1"}]}""");

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        var messages = provider.Requests.Single().Json().GetProperty("messages");
        var id = messages[1].GetProperty("tool_calls")[0].GetProperty("id").GetString();
        Assert.Matches("^[A-Za-z0-9]{9}$", id);
        Assert.Equal(id, messages[2].GetProperty("tool_call_id").GetString());
    }

    [Fact]
    public async Task A_flavor_that_does_not_exist_is_a_start_error_that_names_those_that_do()
    {
        await using var provider = ScriptedProvider.OpenAi();

        var start = await Assert.ThrowsAnyAsync<Exception>(() => StartAsync("deepsek", provider, "m"));

        Assert.Contains("deepseek", start.Message, StringComparison.Ordinal);
    }

    private static Task<GatewayUnderTest> StartAsync(string flavor, ScriptedProvider provider, string model, string more = "") =>
        new GatewayUnderTest()
            .WithEnvironment("production")
            .WithoutVariable("OLLAMA_BASE_URL")
            .WithVariable("GATEWAY_API_KEYS", "test:sk-client")
            .WithVariable("OWN_KEY", "own-key")
            .WithAgents($$"""{ "default": { "provider": "own", "model_name": "{{model}}" } }""")
            .WithSettings($"providers:\n  own:\n    type: openai\n    flavor: {flavor}\n    base_url: {provider.BaseUrl}\n    api_key: ${{OWN_KEY}}\n{more}")
            .StartAsync();

    private static Task<HttpResponseMessage> SendAsync(GatewayUnderTest gateway, string body) =>
        gateway.SendAsync("/v1/chat/completions", body, ("Authorization", "Bearer sk-client"));
}
