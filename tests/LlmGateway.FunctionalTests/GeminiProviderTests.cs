using System.Net;
using System.Text.Json;
using LlmGateway.FunctionalTests.Infrastructure;

namespace LlmGateway.FunctionalTests;

/// <summary>OpenAI's clients talk to Google's Gemini API, which the scripted provider guards as strictly as Google does.</summary>
public sealed class GeminiProviderTests
{
    private const string Hello = """{"messages":[{"role":"user","content":"Hello"}]}""";
    private const string Streamed = """{"stream":true,"stream_options":{"include_usage":true},"messages":[{"role":"user","content":"Hello"}]}""";
    private const string Tools = """[{"type":"function","function":{"name":"add","strict":true,"parameters":{"$schema":"x","type":"object","properties":{"a":{"type":["integer","null"]}},"additionalProperties":false}}},{"type":"function","function":{"name":"now"}}]""";

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_chat_is_answered_in_OpenAIs_form_and_the_key_stays_in_its_header()
    {
        var canaries = new Canaries();
        var key = canaries.New("gm");
        await using var provider = ScriptedProvider.Gemini().Answers(Script.Json(GeminiReplies.Whole("Hi there", 9, 3)));
        provider.ForbidsSecrets("sk-client");
        await using var gateway = await StartAsync(provider, key: key);

        using var response = await SendAsync(gateway, Hello);

        var json = await response.Content.ReadAsStringAsync(Cancellation);
        OpenAiSchema.AssertValid(OpenAiSchema.Completion, json);
        using var reply = JsonDocument.Parse(json);
        Assert.Equal("Hi there", reply.RootElement.GetProperty("choices")[0].GetProperty("message").GetProperty("content").GetString());
        Assert.Equal(12, reply.RootElement.GetProperty("usage").GetProperty("total_tokens").GetInt32());
        var request = provider.Requests.Single();
        Assert.Equal("/v1beta/models/gemini-2.5-flash:generateContent", request.Target);
        Assert.Equal(key, request.Header("x-goog-api-key"));
        canaries.AssertNoCanary(json);
        canaries.AssertNoCanary(string.Join('\n', gateway.Log.Lines.Select(line => line.ToString())));
    }

    [Fact]
    public async Task A_stream_without_a_mark_of_its_end_gets_finish_usage_and_DONE()
    {
        await using var provider = ScriptedProvider.Gemini().Answers(GeminiReplies.Stream(GeminiReplies.Word("Hel"), GeminiReplies.Whole("lo", 9, 2)));
        await using var gateway = await StartAsync(provider);

        using var response = await gateway.OpenStreamAsync("/v1/chat/completions", Streamed, ("Authorization", "Bearer sk-client"));
        await using var reader = await SseReader.OpenAsync(response, Cancellation);
        var events = await reader.ReadToEndAsync();

        Assert.Equal("[DONE]", events[^1].Data);
        Assert.Equal("Hello", string.Concat(events.SkipLast(2).Select(Content)));
        Assert.Equal("stop", Json(events[^3]).GetProperty("choices")[0].GetProperty("finish_reason").GetString());
        Assert.Equal(11, Json(events[^2]).GetProperty("usage").GetProperty("total_tokens").GetInt32());
        Assert.EndsWith(":streamGenerateContent?alt=sse", provider.Requests.Single().Target, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_stream_that_ends_without_a_reason_is_a_cut()
    {
        await using var provider = ScriptedProvider.Gemini().Answers(GeminiReplies.Stream(GeminiReplies.Word("Hel")));
        await using var gateway = await StartAsync(provider);

        using var response = await gateway.OpenStreamAsync("/v1/chat/completions", Streamed, ("Authorization", "Bearer sk-client"));
        await using var reader = await SseReader.OpenAsync(response, Cancellation);
        var events = await reader.ReadToEndAsync();

        Assert.Equal("upstream_stream_error", Json(events[^1]).GetProperty("error").GetProperty("code").GetString());
        Assert.DoesNotContain("[DONE]", reader.AllText, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("gemini-2.0-flash")]
    [InlineData("gemini-2.5-flash")]
    [InlineData("gemini-3-pro-preview")]
    public async Task A_conversation_with_tools_goes_round_and_its_signature_comes_back(string model)
    {
        await using var provider = ScriptedProvider.Gemini().Answers(
            GeminiReplies.Stream(GeminiReplies.Call("add", new { a = 2 }, "c2lnbmF0dXJl", reason: null), GeminiReplies.Whole("", 9, 5)),
            Script.Json(GeminiReplies.Whole("4")));
        await using var gateway = await StartAsync(provider, model);

        using var first = await gateway.OpenStreamAsync("/v1/chat/completions", $$"""{"stream":true,"tools":{{Tools}},"messages":[{"role":"user","content":"2+2?"}]}""", ("Authorization", "Bearer sk-client"));
        await using var reader = await SseReader.OpenAsync(first, Cancellation);
        var events = await reader.ReadToEndAsync();
        var call = events.SkipLast(1).Select(item => Json(item).GetProperty("choices")[0].GetProperty("delta"))
            .First(delta => delta.TryGetProperty("tool_calls", out _)).GetProperty("tool_calls")[0];
        var id = call.GetProperty("id").GetString();
        using var second = await SendAsync(gateway, $$$"""
            {"tools":{{{Tools}}},"messages":[{"role":"user","content":"2+2?"},
              {"role":"assistant","content":null,"tool_calls":[{"id":"{{{id}}}","type":"function","function":{"name":"add","arguments":"{\"a\":2}"}}]},
              {"role":"tool","tool_call_id":"{{{id}}}","content":"4"}]}
            """);

        Assert.Equal("tool_calls", Json(events[^2]).GetProperty("choices")[0].GetProperty("finish_reason").GetString());
        Assert.Equal(HttpStatusCode.OK, second.StatusCode);
        var part = provider.Requests[1].Json().GetProperty("contents")[1].GetProperty("parts")[0];
        Assert.Equal("c2lnbmF0dXJl", part.GetProperty("thoughtSignature").GetString());
        Assert.Equal("add", provider.Requests[1].Json().GetProperty("contents")[2].GetProperty("parts")[0].GetProperty("functionResponse").GetProperty("name").GetString());
    }

    [Fact]
    public async Task A_history_of_another_vendor_is_taken_by_a_model_that_wants_signatures()
    {
        await using var provider = ScriptedProvider.Gemini().Answers(Script.Json(GeminiReplies.Whole("done")));
        await using var gateway = await StartAsync(provider, "gemini-3-pro-preview");

        using var response = await SendAsync(gateway, $$$"""
            {"tools":{{{Tools}}},"stop":"END","messages":[{"role":"system","content":"a"},{"role":"user","content":"go"},{"role":"user","content":"now"},{"role":"assistant","content":""},
              {"role":"assistant","content":"","tool_calls":[{"id":"x","type":"function","function":{"name":"add","arguments":""}},{"id":"y","type":"function","function":{"name":"now","arguments":"{}"}}]},
              {"role":"tool","tool_call_id":"y","content":"[1]"},{"role":"tool","tool_call_id":"x","content":""},{"role":"system","content":"b"}]}
            """);

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
    }

    [Fact]
    public async Task A_bad_key_of_the_gateway_is_not_the_clients_fault()
    {
        var invalid = GeminiReplies.Error(400, "INVALID_ARGUMENT", "API key not valid. Please pass a valid API key.", new Dictionary<string, string> { ["reason"] = "API_KEY_INVALID" });
        await using var provider = ScriptedProvider.Gemini().Answers(Script.Json(invalid, 400));
        await using var gateway = await StartAsync(provider);

        using var response = await SendAsync(gateway, Hello);

        Assert.Equal(HttpStatusCode.BadGateway, response.StatusCode);
        Assert.Contains("auth", await response.Content.ReadAsStringAsync(Cancellation), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_quota_that_is_used_up_is_a_429_with_the_wait_that_Google_asks_for()
    {
        var quota = GeminiReplies.Error(429, "RESOURCE_EXHAUSTED", "quota", new Dictionary<string, string> { ["retryDelay"] = "37s" });
        await using var provider = ScriptedProvider.Gemini().AlwaysAnswers(_ => Script.Json(quota, 429));
        await using var gateway = await StartAsync(provider);

        using var response = await SendAsync(gateway, Hello);

        Assert.Equal(HttpStatusCode.TooManyRequests, response.StatusCode);
        Assert.InRange(response.Headers.RetryAfter!.Delta!.Value.TotalSeconds, 36, 37);
    }

    [Fact]
    public async Task A_model_that_does_not_think_is_asked_once_more_without()
    {
        await using var provider = ScriptedProvider.Gemini().Answers(
            Script.Json(GeminiReplies.Error(400, "INVALID_ARGUMENT", "Thinking is not supported by this model."), 400), Script.Json(GeminiReplies.Whole("Hi")));
        await using var gateway = await StartAsync(provider);

        using var response = await SendAsync(gateway, """{"reasoning_effort":"high","messages":[{"role":"user","content":"Hello"}]}""");

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Contains("thinkingConfig", provider.Requests[0].Text, StringComparison.Ordinal);
        Assert.DoesNotContain("thinkingConfig", provider.Requests[1].Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_stream_answered_with_a_list_is_a_stream_all_the_same()
    {
        await using var provider = ScriptedProvider.Gemini().Answers(Script.Json($"[{GeminiReplies.Word("Hel")}\r\n,\r\n{GeminiReplies.Whole("lo")}]"));
        await using var gateway = await StartAsync(provider);

        using var response = await gateway.OpenStreamAsync("/v1/chat/completions", Streamed, ("Authorization", "Bearer sk-client"));
        await using var reader = await SseReader.OpenAsync(response, Cancellation);
        var events = await reader.ReadToEndAsync();

        Assert.Equal("[DONE]", events[^1].Data);
        Assert.Equal("Hello", string.Concat(events.SkipLast(2).Select(Content)));
    }

    [Theory]
    [InlineData("float", "[0.25,-1.5,3.1415927]")]
    [InlineData("base64", "\"AACAPgAAwL/bD0lA\"")]
    public async Task Embeddings_come_in_the_encoding_and_length_that_were_asked_for(string encoding, string vector)
    {
        await using var provider = ScriptedProvider.Gemini().Answers(Script.Json("""{"embeddings":[{"values":[0.25,-1.5,3.1415927]},{"values":[0.25,-1.5,3.1415927]}]}"""));
        await using var gateway = await StartAsync(provider, "gemini-embedding-001");

        using var response = await gateway.SendAsync(
            "/v1/embeddings", $$"""{"input":["a","b"],"dimensions":3,"encoding_format":"{{encoding}}"}""", ("Authorization", "Bearer sk-client"));

        var json = await response.Content.ReadAsStringAsync(Cancellation);
        Assert.True(response.IsSuccessStatusCode, json);
        OpenAiSchema.AssertValid(OpenAiSchema.Embeddings, json.Replace("\"AACAPgAAwL/bD0lA\"", "[1]", StringComparison.Ordinal));
        using var reply = JsonDocument.Parse(json);
        Assert.Equal([vector, vector], reply.RootElement.GetProperty("data").EnumerateArray().Select(item => item.GetProperty("embedding").GetRawText()));
        var sent = provider.Requests.Single();
        Assert.Equal("/v1beta/models/gemini-embedding-001:batchEmbedContents", sent.Target);
        Assert.All(sent.Json().GetProperty("requests").EnumerateArray(), one => Assert.Equal(3, one.GetProperty("outputDimensionality").GetInt32()));
        var record = Assert.Single(await gateway.Ledger.WaitForRequestsAsync(1));
        Assert.Equal(("/v1/embeddings", 0L), (record["endpoint"], record["output_tokens"]));
        Assert.True((long)record["input_tokens"]! > 0);
    }

    [Fact]
    public async Task Token_numbers_are_not_sent_to_be_embedded()
    {
        await using var provider = ScriptedProvider.Gemini();
        await using var gateway = await StartAsync(provider, "gemini-embedding-001");

        using var response = await gateway.SendAsync("/v1/embeddings", """{"input":[1,2,3]}""", ("Authorization", "Bearer sk-client"));

        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.Contains("unsupported_by_any_target", await response.Content.ReadAsStringAsync(Cancellation), StringComparison.Ordinal);
        Assert.Empty(provider.Requests);
    }

    [Fact]
    public async Task An_embedding_model_that_is_not_there_is_told_as_such()
    {
        await using var provider = ScriptedProvider.Gemini().Answers(Script.Json(GeminiReplies.Error(404, "NOT_FOUND", "models/none is not found"), 404));
        await using var gateway = await StartAsync(provider, "none");

        using var response = await gateway.SendAsync("/v1/embeddings", """{"input":"a"}""", ("Authorization", "Bearer sk-client"));

        Assert.Equal(HttpStatusCode.NotFound, response.StatusCode);
        Assert.Contains("model_not_found", await response.Content.ReadAsStringAsync(Cancellation), StringComparison.Ordinal);
    }

    private static Task<GatewayUnderTest> StartAsync(ScriptedProvider provider, string model = "gemini-2.5-flash", string key = "g-key") =>
        new GatewayUnderTest()
            .WithEnvironment("production")
            .WithoutVariable("OLLAMA_BASE_URL")
            .WithVariable("GATEWAY_API_KEYS", "test:sk-client")
            .WithVariable("GEMINI_API_KEY", key)
            .WithAgents($$"""{ "default": { "provider": "gemini", "model_name": "{{model}}" } }""")
            .WithSettings($"providers:\n  gemini:\n    base_url: {provider.BaseUrl}\n")
            .StartAsync();

    private static Task<HttpResponseMessage> SendAsync(GatewayUnderTest gateway, string body) =>
        gateway.SendAsync("/v1/chat/completions", body, ("Authorization", "Bearer sk-client"));

    private static JsonElement Json(SseEvent item)
    {
        using var document = JsonDocument.Parse(item.Data);
        return document.RootElement.Clone();
    }

    private static string? Content(SseEvent item) =>
        Json(item).GetProperty("choices").EnumerateArray().Select(choice => choice.GetProperty("delta").TryGetProperty("content", out var text) ? text.GetString() : "").FirstOrDefault();
}
