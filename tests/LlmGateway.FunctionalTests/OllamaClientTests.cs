using System.Net;
using System.Text;
using System.Text.Json;
using LlmGateway.FunctionalTests.Infrastructure;

namespace LlmGateway.FunctionalTests;

/// <summary>Clients that speak Ollama's own API, with any provider behind.</summary>
public sealed class OllamaClientTests
{
    private static readonly (string, string) Key = ("Authorization", "Bearer sk-client");

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_chat_streams_lines_as_they_come()
    {
        var gate = new Gate();
        await using var provider = ScriptedProvider.OpenAi().Answers(
            Script.Sse(OpenAiReplies.RoleChunk(), OpenAiReplies.ContentChunk("Well ")).WaitFor(gate)
                .Event(OpenAiReplies.ContentChunk("met")).Event(OpenAiReplies.FinishChunk()).Event(OpenAiReplies.UsageChunk()).Done());
        await using var gateway = await new GatewayUnderTest().InProduction(provider).StartAsync();

        using var response = await gateway.OpenStreamAsync("/api/chat", """{"model":"llama3.1","messages":[{"role":"user","content":"Hello"}]}""", Key);
        using var reader = new StreamReader(await response.Content.ReadAsStreamAsync(Cancellation));
        var first = await reader.ReadLineAsync(Cancellation);
        gate.Release();
        var rest = await reader.ReadToEndAsync(Cancellation);

        Assert.Equal("application/x-ndjson", response.Content.Headers.ContentType?.MediaType);
        Assert.Equal("Well ", Json(first!).GetProperty("message").GetProperty("content").GetString());
        var lines = rest.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(Json).ToList();
        Assert.Equal("met", lines[0].GetProperty("message").GetProperty("content").GetString());
        Assert.Equal((true, "stop", 9, 2), (lines[1].GetProperty("done").GetBoolean(), lines[1].GetProperty("done_reason").GetString(), lines[1].GetProperty("prompt_eval_count").GetInt32(), lines[1].GetProperty("eval_count").GetInt32()));
    }

    [Fact]
    public async Task Tools_go_round()
    {
        await using var provider = ScriptedProvider.OpenAi().Answers(
            Script.Json("""{"id":"c","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":null,"tool_calls":[{"id":"call_7","type":"function","function":{"name":"weather","arguments":"{\"city\":\"Paris\"}"}}]},"logprobs":null,"finish_reason":"tool_calls"}],"usage":{"prompt_tokens":9,"completion_tokens":2,"total_tokens":11}}"""),
            Script.Json(OpenAiReplies.Completion("Sunny.")));
        await using var gateway = await new GatewayUnderTest().InProduction(provider).StartAsync();
        const string Tools = """ "tools":[{"type":"function","function":{"name":"weather","parameters":{"type":"object","properties":{}}}}] """;

        using var first = await gateway.SendAsync("/api/chat", $$"""{"model":"m","stream":false,"messages":[{"role":"user","content":"Weather?"}],{{Tools}}}""", Key);
        var message = Json(await first.Content.ReadAsStringAsync(Cancellation)).GetProperty("message");
        using var second = await gateway.SendAsync("/api/chat", $$"""{"model":"m","stream":false,"messages":[{"role":"user","content":"Weather?"},{{message.GetRawText()}},{"role":"tool","tool_name":"weather","content":"22"}],{{Tools}}}""", Key);

        Assert.Equal("Paris", message.GetProperty("tool_calls")[0].GetProperty("function").GetProperty("arguments").GetProperty("city").GetString());
        Assert.Equal("Sunny.", Json(await second.Content.ReadAsStringAsync(Cancellation)).GetProperty("message").GetProperty("content").GetString());
        Assert.Equal("call_7", provider.Requests[1].Json().GetProperty("messages")[2].GetProperty("tool_call_id").GetString());
    }

    [Fact]
    public async Task A_curl_of_Ollamas_own_page_works_without_a_content_type()
    {
        await using var gateway = await new GatewayUnderTest().StartAsync();
        using var content = new StringContent("""{"model":"llama3.1","prompt":"Why?","stream":false}""", Encoding.UTF8, "application/x-www-form-urlencoded");

        using var response = await gateway.Client.PostAsync(new Uri("/api/generate", UriKind.Relative), content, Cancellation);

        var reply = Json(await response.Content.ReadAsStringAsync(Cancellation));
        Assert.Equal("Mock response to: Why?", reply.GetProperty("response").GetString());
        Assert.True(reply.GetProperty("done").GetBoolean());
    }

    [Fact]
    public async Task Ollama_behind_Ollamas_form_gets_what_was_sent()
    {
        await using var provider = ScriptedProvider.Ollama().Answers(OllamaReplies.Stream("Well ", "met"));
        await using var gateway = await new GatewayUnderTest().WithVariable("OLLAMA_BASE_URL", provider.BaseUrl).StartAsync();

        using var response = await gateway.SendAsync("/api/chat", """{"model":"llama3.1:latest","messages":[{"role":"user","content":"Hello"}],"options":{"num_ctx":4096,"top_k":5},"think":false,"format":"json"}""");

        var lines = (await response.Content.ReadAsStringAsync(Cancellation)).Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(Json).ToList();
        Assert.Equal("Well met", string.Concat(lines.Select(line => line.GetProperty("message").GetProperty("content").GetString())));
        var sent = provider.Requests[0].Json();
        Assert.Equal((4096, 5, false, "json"), (sent.GetProperty("options").GetProperty("num_ctx").GetInt32(), sent.GetProperty("options").GetProperty("top_k").GetInt32(), sent.GetProperty("think").GetBoolean(), sent.GetProperty("format").GetString()));
    }

    [Fact]
    public async Task A_stream_that_breaks_ends_with_an_error_line()
    {
        await using var provider = ScriptedProvider.OpenAi().Answers(Script.Sse(OpenAiReplies.RoleChunk(), OpenAiReplies.ContentChunk("Well ")).Reset());
        await using var gateway = await new GatewayUnderTest().InProduction(provider).StartAsync();

        using var response = await gateway.SendAsync("/api/chat", """{"model":"m","messages":[{"role":"user","content":"Hello"}]}""", Key);

        var last = (await response.Content.ReadAsStringAsync(Cancellation)).Split('\n', StringSplitOptions.RemoveEmptyEntries)[^1];
        Assert.Equal(JsonValueKind.String, Json(last).GetProperty("error").ValueKind);
    }

    [Theory]
    [InlineData("/api/chat", """{"messages":[]}""", 400)]
    [InlineData("/api/chat", "{", 400)]
    [InlineData("/api/chat", """{"model":"agent:nobody","messages":[{"role":"user","content":"a"}]}""", 404)]
    [InlineData("/api/generate", """{"model":"m","prompt":"p","raw":true}""", 400)]
    [InlineData("/api/show", """{"model":"agent:nobody"}""", 404)]
    [InlineData("/api/show", "{}", 400)]
    [InlineData("/api/embed", """{"model":"m","input":[1,2]}""", 400)]
    [InlineData("/api/tags", "{}", 405)]
    public async Task A_refusal_has_Ollamas_shape(string path, string body, int status)
    {
        await using var gateway = await new GatewayUnderTest().StartAsync();

        using var response = await gateway.SendAsync(path, body);

        Assert.Equal(status, (int)response.StatusCode);
        var error = Assert.Single(Json(await response.Content.ReadAsStringAsync(Cancellation)).EnumerateObject());
        Assert.Equal(("error", JsonValueKind.String), (error.Name, error.Value.ValueKind));
    }

    [Fact]
    public async Task Without_a_key_the_refusal_has_Ollamas_shape()
    {
        await using var provider = ScriptedProvider.OpenAi();
        await using var gateway = await new GatewayUnderTest().InProduction(provider).StartAsync();

        using var response = await gateway.Client.GetAsync(new Uri("/api/tags", UriKind.Relative), Cancellation);

        Assert.Equal(HttpStatusCode.Unauthorized, response.StatusCode);
        Assert.Equal(JsonValueKind.String, Json(await response.Content.ReadAsStringAsync(Cancellation)).GetProperty("error").ValueKind);
    }

    [Fact]
    public async Task The_lists_show_models_and_agents()
    {
        await using var gateway = await new GatewayUnderTest().WithAgents("""{"agents":{"writer":{}}}""").StartAsync();

        var tags = Json(await gateway.Client.GetStringAsync(new Uri("/api/tags", UriKind.Relative), Cancellation));
        using var shown = await gateway.SendAsync("/api/show", """{"model":"agent:writer"}""");
        var loaded = Json(await gateway.Client.GetStringAsync(new Uri("/api/ps", UriKind.Relative), Cancellation));
        var version = Json(await gateway.Client.GetStringAsync(new Uri("/api/version", UriKind.Relative), Cancellation));

        Assert.Equal(["agent:writer", "llama3.1"], tags.GetProperty("models").EnumerateArray().Select(model => model.GetProperty("name").GetString()).Order(StringComparer.Ordinal));
        Assert.Contains("completion", Json(await shown.Content.ReadAsStringAsync(Cancellation)).GetProperty("capabilities").EnumerateArray().Select(item => item.GetString()));
        Assert.Equal(0, loaded.GetProperty("models").GetArrayLength());
        Assert.NotNull(version.GetProperty("version").GetString());
    }

    [Fact]
    public async Task Embeddings_come_as_vectors()
    {
        await using var provider = ScriptedProvider.OpenAi().On("POST /v1/embeddings", Script.Json(
            """{"object":"list","data":[{"object":"embedding","index":0,"embedding":[0.5,-1]},{"object":"embedding","index":1,"embedding":[0,1]}],"model":"e","usage":{"prompt_tokens":4,"total_tokens":4}}"""));
        await using var gateway = await new GatewayUnderTest().InProduction(provider).StartAsync();

        using var response = await gateway.SendAsync("/api/embed", """{"model":"e","input":["a","b"]}""", Key);

        var reply = Json(await response.Content.ReadAsStringAsync(Cancellation));
        Assert.Equal("[[0.5,-1],[0,1]]", reply.GetProperty("embeddings").GetRawText());
        Assert.Equal(4, reply.GetProperty("prompt_eval_count").GetInt32());
    }

    private static JsonElement Json(string text)
    {
        using var document = JsonDocument.Parse(text);
        return document.RootElement.Clone();
    }
}
