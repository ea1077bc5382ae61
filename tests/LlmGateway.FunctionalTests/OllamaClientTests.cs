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

    [Theory]
    [InlineData("Unrecognized request arguments supplied: num_ctx, top_k", null, null)]
    [InlineData("Unknown parameter: 'num_ctx'.", "num_ctx", "unknown_parameter")]
    public async Task Options_that_OpenAI_has_not_are_left_out_once_it_has_said_so(string message, string? param, string? code)
    {
        await using var provider = ScriptedProvider.OpenAi().Answers(
            Script.Json(JsonSerializer.Serialize(new { error = new { message, type = "invalid_request_error", param, code } }), 400),
            Script.Json(OpenAiReplies.Completion("one")), Script.Json(OpenAiReplies.Completion("two")));
        await using var gateway = await new GatewayUnderTest().InProduction(provider).StartAsync();
        const string Chat = """{"model":"m","stream":false,"messages":[{"role":"user","content":"Hi"}],"options":{"num_ctx":8192,"temperature":0.5,"top_k":40}}""";

        using var first = await gateway.SendAsync("/api/chat", Chat, Key);
        using var second = await gateway.SendAsync("/api/chat", Chat, Key);

        Assert.Equal((HttpStatusCode.OK, HttpStatusCode.OK), (first.StatusCode, second.StatusCode));
        Assert.Equal("1", first.Headers.GetValues("x-llm-attempts").Single());
        Assert.Equal([true, false, false], provider.Requests.Select(request => request.Json().TryGetProperty("num_ctx", out _) && request.Json().TryGetProperty("top_k", out _)));
        Assert.All(provider.Requests, request => Assert.Equal(0.5, request.Json().GetProperty("temperature").GetDouble()));
    }

    [Fact]
    public async Task A_value_that_is_refused_is_the_clients_affair()
    {
        await using var provider = ScriptedProvider.OpenAi().Answers(Script.Json(OpenAiReplies.Error("top_k must be at least 1", "invalid_request_error", "invalid_value"), 400));
        await using var gateway = await new GatewayUnderTest().InProduction(provider).StartAsync();

        using var response = await gateway.SendAsync("/api/chat", """{"model":"m","stream":false,"messages":[{"role":"user","content":"Hi"}],"options":{"top_k":0}}""", Key);

        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.Single(provider.Requests);
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
    public async Task Between_two_that_speak_Ollama_bytes_pass_as_they_are()
    {
        const string Reply = """{ "model":"llama3.1","message":{"role":"assistant","content":"h\u00e9","own":[1.0e+0]},"done":true,"done_reason":"stop","prompt_eval_count":9,"eval_count":2,"load_duration":12345678901234567890 }""";
        await using var provider = ScriptedProvider.Anything().On("POST /api/chat", Script.Json(Reply));
        await using var gateway = await Native(provider).StartAsync();

        using var response = await gateway.SendAsync(
            "/api/chat", """{"model":"agent:writer", "stream":false,"own":{"n":[1.0e+2,-0.0,12345678901234567890]},"keep_alive":"5m","options":{"top_k":5.0,"odd":null},"messages":[{"role":"user","content":"Hello","mood":1.50}]}""");

        Assert.Equal(Reply, await response.Content.ReadAsStringAsync(Cancellation));
        Assert.Equal("application/json", response.Content.Headers.ContentType?.MediaType);
        Assert.Equal(
            """{"model":"llama3.1", "stream":false,"own":{"n":[1.0e+2,-0.0,12345678901234567890]},"keep_alive":"5m","options":{"temperature":0.5,"top_k":5.0,"odd":null},"messages":[{"role":"system","content":"Be kind."},{"role":"user","content":"Hello","mood":1.50}]}""",
            provider.Requests[0].Text);
        var record = Assert.Single(await gateway.Ledger.WaitForRequestsAsync(1));
        Assert.Equal((9L, 2L), (record["input_tokens"], record["output_tokens"]));
    }

    [Fact]
    public async Task Between_two_that_speak_Ollama_lines_pass_as_they_come()
    {
        var gate = new Gate();
        string[] lines =
        [
            OllamaReplies.Word("Well "),
            """{"message":{"role":"assistant","content":"","thinking":"hm","tool_calls":[{"function":{"name":"f","arguments":{"n":1.0}}}]},"own":-0.0}""",
            OllamaReplies.Last(),
        ];
        await using var provider = ScriptedProvider.Ollama().Answers(Script.JsonLines(lines[0]).WaitFor(gate).Line(lines[1]).Line(lines[2]));
        await using var gateway = await Native(provider).StartAsync();

        using var response = await gateway.OpenStreamAsync("/api/chat", """{"model":"agent:writer","messages":[{"role":"user","content":"Hello"}],"truncate":true}""");
        using var reader = new StreamReader(await response.Content.ReadAsStreamAsync(Cancellation));
        var first = await reader.ReadLineAsync(Cancellation);
        gate.Release();
        var rest = await reader.ReadToEndAsync(Cancellation);

        Assert.Equal("application/x-ndjson", response.Content.Headers.ContentType?.MediaType);
        Assert.Equal(lines[0], first);
        Assert.Equal($"{lines[1]}\n{lines[2]}\n", rest);
        Assert.True(provider.Requests[0].Json().GetProperty("truncate").GetBoolean());
        var record = Assert.Single(await gateway.Ledger.WaitForRequestsAsync(1));
        Assert.Equal((9L, 2L), (record["input_tokens"], record["output_tokens"]));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_native_stream_that_breaks_ends_with_an_error_line(bool isTold)
    {
        var script = Script.JsonLines(OllamaReplies.Word("Well "));
        await using var provider = ScriptedProvider.Ollama().Answers(isTold ? script.Line(OllamaReplies.Error("out of memory")) : script.Reset());
        await using var gateway = await Native(provider).StartAsync();

        using var response = await gateway.SendAsync("/api/chat", """{"model":"agent:writer","messages":[{"role":"user","content":"Hello"}]}""");

        var lines = (await response.Content.ReadAsStringAsync(Cancellation)).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal((2, OllamaReplies.Word("Well ")), (lines.Length, lines[0]));
        var error = Assert.Single(Json(lines[1]).EnumerateObject());
        Assert.Equal(("error", JsonValueKind.String), (error.Name, error.Value.ValueKind));
    }

    [Fact]
    public async Task A_fallback_to_another_form_translates()
    {
        await using var ollama = ScriptedProvider.Ollama().Answers(Script.JsonLines(OllamaReplies.Error("out of memory")));
        await using var other = ScriptedProvider.OpenAi().Answers(Script.Sse(OpenAiReplies.RoleChunk(), OpenAiReplies.ContentChunk("Well met"), OpenAiReplies.FinishChunk(), OpenAiReplies.UsageChunk()).Done());
        await using var gateway = await Native(ollama).InProduction(other)
            .WithAgents("""{"agents":{"writer":{"provider":"ollama","model_name":"llama3.1","system_prompt":"Be kind.","fallbacks":[{"provider":"internal","model_name":"b"}]}}}""").StartAsync();

        using var response = await gateway.SendAsync("/api/chat", """{"model":"agent:writer","messages":[{"role":"user","content":"Hello"}],"truncate":true}""", Key);

        var lines = (await response.Content.ReadAsStringAsync(Cancellation)).Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(Json).ToList();
        Assert.Equal("Well met", lines[0].GetProperty("message").GetProperty("content").GetString());
        Assert.True(lines[^1].GetProperty("done").GetBoolean());
        var sent = other.Requests[0].Json();
        Assert.Equal(("b", 2), (sent.GetProperty("model").GetString(), sent.GetProperty("messages").GetArrayLength()));
        Assert.True(ollama.Requests[0].Json().GetProperty("truncate").GetBoolean());
    }

    [Fact]
    public async Task A_prompt_between_two_that_speak_Ollama_keeps_its_context()
    {
        const string Line = """{"model":"llama3.1","response":"Well met","done":false}""";
        const string Last = """{"model":"llama3.1","response":"","done":true,"done_reason":"stop","context":[1,2,3],"prompt_eval_count":9,"eval_count":2}""";
        await using var provider = ScriptedProvider.Ollama().On("POST /api/generate", Script.JsonLines(Line, Last), Script.Json(Last));
        await using var gateway = await Native(provider).StartAsync();

        using var streamed = await gateway.SendAsync("/api/generate", """{"model":"agent:writer","prompt":"Hello","context":[1,2]}""");
        using var raw = await gateway.SendAsync("/api/generate", """{"model":"llama3.1","prompt":"[INST] Hello","raw":true,"stream":false}""");

        Assert.Equal($"{Line}\n{Last}\n", await streamed.Content.ReadAsStringAsync(Cancellation));
        Assert.Equal(Last, await raw.Content.ReadAsStringAsync(Cancellation));
        var (first, second) = (provider.Requests[0].Json(), provider.Requests[1].Json());
        Assert.Equal(("Be kind.", "[1,2]"), (first.GetProperty("system").GetString(), first.GetProperty("context").GetRawText()));
        Assert.Equal((true, "[INST] Hello"), (second.GetProperty("raw").GetBoolean(), second.GetProperty("prompt").GetString()));
    }

    [Fact]
    public async Task A_raw_prompt_without_Ollama_behind_it_is_refused()
    {
        await using var provider = ScriptedProvider.OpenAi();
        await using var gateway = await new GatewayUnderTest().InProduction(provider).WithoutVariable("OLLAMA_BASE_URL").StartAsync();

        using var response = await gateway.SendAsync("/api/generate", """{"model":"m","prompt":"p","raw":true}""", Key);

        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.Contains("'raw' needs a provider of type 'ollama'", await response.Content.ReadAsStringAsync(Cancellation), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_member_that_Ollama_would_take_for_the_model_does_not_reach_it()
    {
        await using var provider = ScriptedProvider.Ollama().Answers(Script.Json(OllamaReplies.Whole("hi")));
        await using var gateway = await Native(provider).StartAsync();

        using var response = await gateway.SendAsync("/api/chat", """{"model":"agent:writer","Model":"other","stream":false,"messages":[{"role":"user","content":"Hello"}]}""");

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.DoesNotContain("other", provider.Requests[0].Text, StringComparison.Ordinal);
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
    [InlineData("/api/show", """{"model":"agent:nobody"}""", 404)]
    [InlineData("/api/show", "{}", 400)]
    [InlineData("/api/embed", """{"model":"m","input":[1,2]}""", 400)]
    [InlineData("/api/tags", "{}", 405)]
    [InlineData("/api/pull", """{"model":"llama3.1"}""", 404)]
    [InlineData("/api/delete", """{"model":"llama3.1"}""", 404)]
    [InlineData("/api/embeddings", """{"model":"llama3.1","prompt":"a"}""", 404)]
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

    private static GatewayUnderTest Native(ScriptedProvider provider) => new GatewayUnderTest()
        .WithVariable("OLLAMA_BASE_URL", provider.BaseUrl)
        .WithAgents("""{"agents":{"writer":{"provider":"ollama","model_name":"llama3.1","temperature":0.5,"system_prompt":"Be kind."}}}""");

    private static JsonElement Json(string text)
    {
        using var document = JsonDocument.Parse(text);
        return document.RootElement.Clone();
    }
}
