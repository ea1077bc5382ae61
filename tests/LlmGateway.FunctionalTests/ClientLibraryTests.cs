using System.ClientModel;
using System.ClientModel.Primitives;
using System.Text.Json;
using LlmGateway.FunctionalTests.Infrastructure;
using OpenAI;
using OpenAI.Chat;

namespace LlmGateway.FunctionalTests;

/// <summary>OpenAI's own .NET client against the gateway: only its address is changed.</summary>
public sealed class ClientLibraryTests
{
    private static readonly ChatMessage[] Hello = [new UserChatMessage("Hello there")];

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_chat_tells_content_usage_and_how_it_ended()
    {
        await using var provider = ScriptedProvider.OpenAi().Answers(Script.Json(OpenAiReplies.Completion("Well met")));
        await using var gateway = await new GatewayUnderTest().InProduction(provider).StartAsync();

        var result = await Client(gateway).CompleteChatAsync(
            Hello, new ChatCompletionOptions { Temperature = 0.5f, MaxOutputTokenCount = 12, EndUserId = "jane" }, Cancellation);

        Assert.Equal("Well met", result.Value.Content[0].Text);
        Assert.Equal(ChatFinishReason.Stop, result.Value.FinishReason);
        Assert.Equal((9, 2), (result.Value.Usage.InputTokenCount, result.Value.Usage.OutputTokenCount));
        Assert.True(result.GetRawResponse().Headers.TryGetValue("X-Request-Id", out var id));
        Assert.Matches("^[A-Za-z0-9._-]+$", id);
        var sent = provider.Requests.Single().Json();
        Assert.Equal((0.5, 12, "jane"), (sent.GetProperty("temperature").GetDouble(), sent.GetProperty("max_completion_tokens").GetInt32(), sent.GetProperty("user").GetString()));
    }

    [Fact]
    public async Task A_stream_tells_words_finish_and_usage()
    {
        await using var provider = ScriptedProvider.OpenAi().Answers(OpenAiReplies.Stream("Well ", "met"));
        await using var gateway = await new GatewayUnderTest().InProduction(provider).StartAsync();

        var words = new List<string>();
        var finish = new List<ChatFinishReason>();
        var tokens = 0;
        await foreach (var update in Client(gateway).CompleteChatStreamingAsync(Hello, cancellationToken: Cancellation))
        {
            words.AddRange(update.ContentUpdate.Select(part => part.Text).Where(text => text.Length > 0));
            finish.AddRange(update.FinishReason is { } reason ? [reason] : []);
            tokens += update.Usage?.OutputTokenCount ?? 0;
        }

        Assert.Equal(["Well ", "met"], words);
        Assert.Equal([ChatFinishReason.Stop], finish);
        Assert.Equal(2, tokens);
    }

    [Fact]
    public async Task A_tool_goes_there_and_back()
    {
        const string Call = """{"id":"call_1","type":"function","function":{"name":"weather","arguments":"{\"city\": \"Ulm\"}"}}""";
        await using var provider = ScriptedProvider.OpenAi().Answers(
            Script.Json(OpenAiReplies.Completion("x").Replace("\"content\":\"x\"", $"\"content\":null,\"tool_calls\":[{Call}]", StringComparison.Ordinal).Replace("\"stop\"", "\"tool_calls\"", StringComparison.Ordinal)),
            Script.Json(OpenAiReplies.Completion("Sunny")));
        await using var gateway = await new GatewayUnderTest().InProduction(provider).StartAsync();
        var client = Client(gateway);
        var options = new ChatCompletionOptions { Tools = { ChatTool.CreateFunctionTool("weather", "The weather", BinaryData.FromString("""{"type":"object","properties":{"city":{"type":"string"}}}""")) } };

        ChatCompletion first = await client.CompleteChatAsync(Hello, options, Cancellation);
        var call = Assert.Single(first.ToolCalls);
        ChatCompletion second = await client.CompleteChatAsync([.. Hello, new AssistantChatMessage(first), new ToolChatMessage(call.Id, "21 °C")], options, Cancellation);

        Assert.Equal(ChatFinishReason.ToolCalls, first.FinishReason);
        Assert.Equal(("call_1", "weather", """{"city": "Ulm"}"""), (call.Id, call.FunctionName, call.FunctionArguments.ToString()));
        Assert.Equal("Sunny", second.Content[0].Text);
        var messages = provider.Requests[1].Json().GetProperty("messages");
        Assert.Equal("""{"city": "Ulm"}""", messages[1].GetProperty("tool_calls")[0].GetProperty("function").GetProperty("arguments").GetString());
        Assert.Equal(("tool", "call_1", "21 °C"), (messages[2].GetProperty("role").GetString(), messages[2].GetProperty("tool_call_id").GetString(), messages[2].GetProperty("content").GetString()));
    }

    [Fact]
    public async Task A_streamed_tool_call_arrives_whole()
    {
        await using var provider = ScriptedProvider.OpenAi().Answers(Script.Sse(
            OpenAiReplies.RoleChunk(),
            OpenAiReplies.Chunk("""{"tool_calls":[{"index":0,"id":"call_1","type":"function","function":{"name":"weather","arguments":""}}]}"""),
            OpenAiReplies.Chunk("""{"tool_calls":[{"index":0,"function":{"arguments":"{\"city\":"}}]}"""),
            OpenAiReplies.Chunk("""{"tool_calls":[{"index":0,"function":{"arguments":"\"Ulm\"}"}}]}"""),
            OpenAiReplies.FinishChunk("tool_calls"),
            OpenAiReplies.UsageChunk()).Done());
        await using var gateway = await new GatewayUnderTest().InProduction(provider).StartAsync();
        var options = new ChatCompletionOptions { Tools = { ChatTool.CreateFunctionTool("weather") } };

        var arguments = "";
        ChatFinishReason? finish = null;
        await foreach (var update in Client(gateway).CompleteChatStreamingAsync(Hello, options, Cancellation))
        {
            arguments += string.Concat(update.ToolCallUpdates.Select(call => call.FunctionArgumentsUpdate?.ToString()));
            finish = update.FinishReason ?? finish;
        }

        Assert.Equal("""{"city":"Ulm"}""", arguments);
        Assert.Equal(ChatFinishReason.ToolCalls, finish);
    }

    [Theory]
    [InlineData(429, "rate limit reached", "rate_limit_exceeded", 429, "upstream_rate_limited", "rate_limit_error")]
    [InlineData(500, "down", "server_error", 502, "all_providers_failed", "api_error")]
    [InlineData(400, "'x' is not a thing", "invalid_value", 400, "invalid_value", "invalid_request_error")]
    [InlineData(404, "no such model", "model_not_found", 404, "model_not_found", "invalid_request_error")]
    [InlineData(401, "bad key", "invalid_api_key", 502, "all_providers_failed", "api_error")]
    public async Task An_error_surfaces_with_status_code_and_request_id(int status, string message, string code, int expected, string expectedCode, string expectedType)
    {
        await using var provider = ScriptedProvider.OpenAi().AlwaysAnswers(_ => Script.Json(
            OpenAiReplies.Error(message, status == 400 ? "invalid_request_error" : "server_error", code), status, ("retry-after", "7")));
        await using var gateway = await new GatewayUnderTest().InProduction(provider).WithoutVariable("OLLAMA_BASE_URL").StartAsync();

        var error = await Assert.ThrowsAsync<ClientResultException>(() => Client(gateway).CompleteChatAsync(Hello, cancellationToken: Cancellation));

        Assert.Equal(expected, error.Status);
        Assert.Contains(expectedCode, error.Message);
        var response = error.GetRawResponse()!;
        using var body = JsonDocument.Parse(response.Content);
        Assert.Equal((expectedCode, expectedType), (body.RootElement.GetProperty("error").GetProperty("code").GetString(), body.RootElement.GetProperty("error").GetProperty("type").GetString()));
        Assert.True(response.Headers.TryGetValue("X-Request-Id", out var id));
        Assert.False(string.IsNullOrEmpty(id));
        Assert.Equal(expected == 429, response.Headers.TryGetValue("retry-after", out var wait));
        Assert.Equal(expected == 429 ? "7" : null, wait);
    }

    [Fact]
    public async Task A_wrong_key_surfaces_as_such()
    {
        await using var provider = ScriptedProvider.OpenAi();
        await using var gateway = await new GatewayUnderTest().InProduction(provider).StartAsync();

        var error = await Assert.ThrowsAsync<ClientResultException>(() => Client(gateway, "sk-wrong").CompleteChatAsync(Hello, cancellationToken: Cancellation));

        Assert.Equal(401, error.Status);
        Assert.Contains("invalid_api_key", error.Message);
    }

    [Fact]
    public async Task The_clients_own_retry_succeeds_once_the_limit_is_over()
    {
        await using var provider = ScriptedProvider.OpenAi().Answers(
            Script.Json(OpenAiReplies.Error("slow down", code: "rate_limit_exceeded"), 429, ("retry-after", "0")), Script.Json(OpenAiReplies.Completion("Well met")));
        await using var gateway = await new GatewayUnderTest().InProduction(provider).WithVariable("LLM_MAX_RETRIES", "0").StartAsync();

        ChatCompletion reply = await Client(gateway, retries: 1).CompleteChatAsync(Hello, cancellationToken: Cancellation);

        Assert.Equal("Well met", reply.Content[0].Text);
        Assert.Equal(2, provider.Requests.Count);
    }

    private static ChatClient Client(GatewayUnderTest gateway, string key = "sk-client", int retries = 0) => new(
        "internal-model",
        new ApiKeyCredential(key),
        new OpenAIClientOptions { Endpoint = new Uri(gateway.BaseUrl + "/v1"), RetryPolicy = new ClientRetryPolicy(retries) });
}
