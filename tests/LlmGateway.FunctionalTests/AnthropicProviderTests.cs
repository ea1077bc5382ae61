using System.Net;
using System.Text.Json;
using System.Text.Json.Nodes;
using LlmGateway.FunctionalTests.Infrastructure;

namespace LlmGateway.FunctionalTests;

/// <summary>An agent whose provider is Anthropic: clients speak OpenAI's form, and the provider refuses what the real one refuses.</summary>
public sealed class AnthropicProviderTests
{
    private const string Hello = """{"model":"agent:writer","messages":[{"role":"user","content":"Hello there"}]}""";

    private const string Tools = """[{"type":"function","function":{"name":"lookup","parameters":{"type":"object","properties":{"x":{"type":"string"}},"additionalProperties":false}}}]""";

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_plain_answer_comes_in_OpenAIs_form_and_no_credential_of_the_client_leaves()
    {
        await using var provider = ScriptedProvider.Anthropic().ForbidsSecrets("sk-client").Answers(Script.Json(AnthropicReplies.Message("Well met", 9, 2)));
        await using var gateway = await StartAsync(provider);

        using var response = await SendAsync(gateway, Hello);

        var json = await response.Content.ReadAsStringAsync(Cancellation);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        OpenAiSchema.AssertValid(OpenAiSchema.Completion, json);
        Assert.Equal("Well met", JsonNode.Parse(json)!["choices"]![0]!["message"]!["content"]!.GetValue<string>());
        Assert.Equal("anthropic", response.Headers.GetValues("x-llm-provider").Single());
        var request = provider.Requests[0];
        Assert.Equal(("sk-ant", "2023-06-01"), (request.Header("x-api-key"), request.Header("anthropic-version")));
        Assert.Equal(4096, request.Json().GetProperty("max_tokens").GetInt32());
        var attempt = Assert.Single(gateway.Ledger.Attempts(Assert.Single(await gateway.Ledger.WaitForRequestsAsync(1))));
        Assert.Equal(("anthropic", "success", 9L, 2L, "provider"), (attempt["provider"], attempt["outcome"], attempt["input_tokens"], attempt["output_tokens"], attempt["source"]));
    }

    [Fact]
    public async Task A_stream_comes_as_the_provider_sends_it()
    {
        var gate = new Gate();
        await using var provider = ScriptedProvider.Anthropic().Answers(
            AnthropicReplies.Started().Word("Well ").WaitFor(gate).Word("met").Add(AnthropicReplies.MessageDelta(2)).Add(AnthropicReplies.MessageStop));
        await using var gateway = await StartAsync(provider);

        using var response = await OpenAsync(gateway, Streamed(Hello, "\"stream_options\":{\"include_usage\":true},"));
        await using var reader = await SseReader.OpenAsync(response, Cancellation);
        var events = new List<SseEvent> { (await reader.NextAsync())!, (await reader.NextAsync())! };
        gate.Release();
        events.AddRange(await reader.ReadToEndAsync());

        Assert.True(events[^1].IsDone);
        Assert.All(events[..^1], chunk => OpenAiSchema.AssertValid(OpenAiSchema.Chunk, chunk.Data));
        Assert.All(events, chunk => Assert.Null(chunk.Name));
        Assert.Equal("Well met", Text(events));
        Assert.Equal(11, JsonNode.Parse(events[^2].Data)!["usage"]!["total_tokens"]!.GetValue<int>());
        Assert.True(provider.Requests[0].Json().GetProperty("stream").GetBoolean());
    }

    [Fact]
    public async Task A_profile_that_sets_what_the_model_refuses_still_works()
    {
        await using var provider = ScriptedProvider.Anthropic().AlwaysAnswers(_ => Script.Json(AnthropicReplies.Message("fine")));
        await using var gateway = await StartAsync(provider, """ "temperature": 0.1, "top_p": 0.7, "stop": ["\n", "END"], "max_tokens": 100 """);

        using var response = await SendAsync(gateway, Hello);

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        var body = provider.Requests[0].Json();
        Assert.Equal(("END", 100), (body.GetProperty("stop_sequences")[0].GetString(), body.GetProperty("max_tokens").GetInt32()));
    }

    [Fact]
    public async Task A_switch_that_the_model_refuses_is_left_out_from_then_on()
    {
        await using var provider = ScriptedProvider.Anthropic().Answers(
            Script.Json(AnthropicReplies.Error("invalid_request_error", "`temperature` is deprecated for this model."), 400),
            Script.Json(AnthropicReplies.Message("one")),
            Script.Json(AnthropicReplies.Message("two")));
        await using var gateway = await StartAsync(provider, """ "temperature": 0.1 """);

        using var first = await SendAsync(gateway, Hello);
        using var second = await SendAsync(gateway, Hello);

        Assert.Equal((HttpStatusCode.OK, HttpStatusCode.OK), (first.StatusCode, second.StatusCode));
        Assert.Equal([true, false, false], provider.Requests.Select(request => request.Json().TryGetProperty("temperature", out _)));
        Assert.Equal("1", first.Headers.GetValues("x-llm-attempts").Single());
    }

    [Fact]
    public async Task A_temperature_that_the_client_set_is_the_clients_affair()
    {
        await using var provider = ScriptedProvider.Anthropic().AllowsRefusals().AlwaysAnswers(_ => Script.Json(AnthropicReplies.Message("never")));
        await using var gateway = await StartAsync(provider, model: "claude-opus-4-7");

        using var response = await SendAsync(gateway, Hello.Replace("{\"model\"", "{\"temperature\":0.2,\"model\"", StringComparison.Ordinal));

        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        var error = JsonNode.Parse(await response.Content.ReadAsStringAsync(Cancellation))!["error"]!;
        Assert.Equal(("`temperature` is deprecated for this model.", "temperature"), (error["message"]!.GetValue<string>(), error["param"]!.GetValue<string>()));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Thinking_goes_back_with_the_tool_result(bool streams)
    {
        const string Thought = """{"type":"thinking","thinking":"Hm \"é\"","signature":"c2ln"}""";
        var reply = streams
            ? Script.Sse()
                .Add("""{"type":"message_start","message":{"usage":{"input_tokens":9,"output_tokens":1}}}""")
                .Add("""{"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":"","signature":""}}""")
                .Add("""{"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"Hm \"é\""}}""")
                .Add("""{"type":"content_block_delta","index":0,"delta":{"type":"signature_delta","signature":"c2ln"}}""")
                .Add("""{"type":"content_block_stop","index":0}""")
                .Add("""{"type":"content_block_start","index":1,"content_block":{"type":"tool_use","id":"toolu_1","name":"lookup","input":{}}}""")
                .Add("""{"type":"content_block_stop","index":1}""")
                .Add(AnthropicReplies.MessageDelta(20, "tool_use")).Add(AnthropicReplies.MessageStop)
            : Script.Json(AnthropicReplies.ToolUse("toolu_1", "lookup", "{}", Thought + ","));
        await using var provider = ScriptedProvider.Anthropic().Answers(reply, Script.Json(AnthropicReplies.Message("42")));
        await using var gateway = await StartAsync(provider);
        var question = Hello.Replace("{\"model\"", $"{{\"reasoning_effort\":\"low\",\"tools\":{Tools},\"model\"", StringComparison.Ordinal);

        using var asked = await OpenAsync(gateway, streams ? Streamed(question) : question);
        var answer = await asked.Content.ReadAsStringAsync(Cancellation);
        using var continued = await SendAsync(gateway, question.Replace(
            "\"Hello there\"}", "\"Hello there\"},{\"role\":\"assistant\",\"content\":null,\"tool_calls\":[{\"id\":\"toolu_1\",\"type\":\"function\",\"function\":{\"name\":\"lookup\",\"arguments\":\"{}\"}}]},{\"role\":\"tool\",\"tool_call_id\":\"toolu_1\",\"content\":\"found\"}", StringComparison.Ordinal));

        Assert.Contains("toolu_1", answer, StringComparison.Ordinal);
        Assert.Contains("reasoning_content", answer, StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.OK, continued.StatusCode);
        Assert.Equal(Thought, provider.Requests[1].Json().GetProperty("messages")[1].GetProperty("content")[0].GetRawText());
    }

    [Fact]
    public async Task A_trimmed_history_is_repaired()
    {
        await using var provider = ScriptedProvider.Anthropic().Answers(Script.Json(AnthropicReplies.Message("fine")));
        await using var gateway = await StartAsync(provider, """ "reasoning_effort": "high" """);

        using var response = await SendAsync(gateway, $$$"""
            {"model":"agent:writer","tools":{{{Tools}}},"messages":[
             {"role":"tool","tool_call_id":"gone","content":"orphan"},
             {"role":"assistant","content":"","tool_calls":[{"id":"call:1","type":"function","function":{"name":"lookup","arguments":""}},{"id":"call:2","type":"function","function":{"name":"lookup","arguments":"{\"x\":\"y\"}"}}]},
             {"role":"tool","tool_call_id":"call:2","content":"two"},
             {"role":"system","content":"Be brief"},{"role":"user","content":""},{"role":"user","content":"and?"}]}
            """);

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
    }

    [Theory]
    [InlineData(529, "overloaded_error", "Overloaded", "server_error")]
    [InlineData(401, "authentication_error", "invalid x-api-key", "auth")]
    [InlineData(429, "rate_limit_error", "Slow down", "rate_limit")]
    [InlineData(400, "invalid_request_error", "Your credit balance is too low to access the Anthropic API.", "auth")]
    public async Task Another_provider_answers_when_this_one_cannot(int status, string type, string message, string reason)
    {
        await using var provider = ScriptedProvider.Anthropic().Answers(Script.Json(AnthropicReplies.Error(type, message), status));
        await using var other = ScriptedProvider.OpenAi().Answers(Script.Json(OpenAiReplies.Completion("from the other")));
        await using var gateway = await StartAsync(provider, """ "fallbacks": [ { "provider": "internal" } ] """, other);

        using var response = await SendAsync(gateway, Hello);

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal(("internal", reason), (response.Headers.GetValues("x-llm-provider").Single(), response.Headers.GetValues("x-llm-fallback-reason").Single()));
    }

    [Theory]
    [InlineData(529, "overloaded_error", HttpStatusCode.BadGateway, "all_providers_failed")]
    [InlineData(413, "request_too_large", HttpStatusCode.RequestEntityTooLarge, "request_too_large")]
    [InlineData(404, "not_found_error", HttpStatusCode.NotFound, "model_not_found")]
    [InlineData(400, "invalid_request_error", HttpStatusCode.BadRequest, "invalid_request")]
    public async Task An_error_comes_in_OpenAIs_form(int status, string type, HttpStatusCode expected, string code)
    {
        await using var provider = ScriptedProvider.Anthropic().Answers(Script.Json(AnthropicReplies.Error(type, "No."), status));
        await using var gateway = await StartAsync(provider);

        using var response = await SendAsync(gateway, Hello);

        var json = await response.Content.ReadAsStringAsync(Cancellation);
        OpenAiSchema.AssertValid(OpenAiSchema.Error, json);
        var error = JsonNode.Parse(json)!["error"]!;
        Assert.Equal((expected, code), (response.StatusCode, error["code"]!.GetValue<string>()));
        Assert.Equal((int)expected < 500 ? "invalid_request_error" : "api_error", error["type"]!.GetValue<string>());
    }

    [Fact]
    public async Task An_error_at_the_start_of_a_stream_falls_back_and_the_client_sees_nothing_of_it()
    {
        await using var provider = ScriptedProvider.Anthropic().Answers(AnthropicReplies.Started().Add(AnthropicReplies.Error("overloaded_error", "Overloaded")));
        await using var other = ScriptedProvider.OpenAi().Answers(OpenAiReplies.Stream("from ", "the ", "other"));
        await using var gateway = await StartAsync(provider, """ "fallbacks": [ { "provider": "internal" } ] """, other);

        using var response = await OpenAsync(gateway, Streamed(Hello));
        await using var reader = await SseReader.OpenAsync(response, Cancellation);
        var events = await reader.ReadToEndAsync();

        Assert.Equal("from the other", Text(events));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_stream_that_breaks_never_looks_complete(bool tellsWhy)
    {
        var script = AnthropicReplies.Started().Word("half");
        await using var provider = ScriptedProvider.Anthropic().Answers(tellsWhy ? script.Add(AnthropicReplies.Error("overloaded_error", "Overloaded")) : script);
        await using var gateway = await StartAsync(provider);

        using var response = await OpenAsync(gateway, Streamed(Hello));
        await using var reader = await SseReader.OpenAsync(response, Cancellation);
        var events = await reader.ReadToEndAsync();

        Assert.DoesNotContain("\"finish_reason\":\"", reader.AllText, StringComparison.Ordinal);
        Assert.Equal("upstream_stream_error", JsonNode.Parse(events[^1].Data)!["error"]!["code"]!.GetValue<string>());
        var attempt = Assert.Single(gateway.Ledger.Attempts(Assert.Single(await gateway.Ledger.WaitForRequestsAsync(1))));
        Assert.Equal((9L, 1L, "estimated"), (attempt["input_tokens"], attempt["output_tokens"], attempt["source"]));
    }

    private static async Task<GatewayUnderTest> StartAsync(ScriptedProvider provider, string profile = "", ScriptedProvider? other = null, string model = "claude-sonnet-4-5")
    {
        var more = profile.Length == 0 ? "" : "," + profile;
        return await new GatewayUnderTest()
            .WithEnvironment("production")
            .WithVariable("INTERNAL_LLM_BASE_URL", other is null ? GatewayUnderTest.NoProvider : other.BaseUrl + "/v1")
            .WithVariable("INTERNAL_LLM_MODEL", "internal-model")
            .WithVariable("GATEWAY_API_KEYS", "test:sk-client")
            .WithVariable("ANTHROPIC_API_KEY", "sk-ant")
            .WithoutVariable("OLLAMA_BASE_URL")
            .WithSettings($$"""
                providers:
                  anthropic: { base_url: "{{provider.BaseUrl}}" }
                """)
            .WithAgents($$"""{ "agents": { "writer": { "provider": "anthropic", "model_name": "{{model}}"{{more}} } } }""")
            .StartAsync();
    }

    private static Task<HttpResponseMessage> SendAsync(GatewayUnderTest gateway, string json) =>
        gateway.SendAsync("/v1/chat/completions", json, ("Authorization", "Bearer sk-client"));

    private static Task<HttpResponseMessage> OpenAsync(GatewayUnderTest gateway, string json) =>
        gateway.OpenStreamAsync("/v1/chat/completions", json, ("Authorization", "Bearer sk-client"));

    private static string Streamed(string request, string more = "") => "{\"stream\":true," + more + request[1..];

    private static string Text(IEnumerable<SseEvent> events) => string.Concat(events.Where(chunk => !chunk.IsDone).Select(chunk =>
    {
        using var document = JsonDocument.Parse(chunk.Data);
        return string.Concat(document.RootElement.GetProperty("choices").EnumerateArray().Select(choice =>
            choice.GetProperty("delta").TryGetProperty("content", out var content) ? content.GetString() : ""));
    }));
}
