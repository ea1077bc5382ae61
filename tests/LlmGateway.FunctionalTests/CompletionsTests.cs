using System.Net;
using System.Text.Json;
using LlmGateway.FunctionalTests.Infrastructure;

namespace LlmGateway.FunctionalTests;

/// <summary>Legacy completions: passed on where the provider knows them, told as a chat where it does not.</summary>
public sealed class CompletionsTests
{
    private const string Hello = """{"model":"anything","prompt":"Say hello","max_tokens":7}""";

    private static readonly (string Name, string Value) Key = ("Authorization", "Bearer sk-client");

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_whole_answer_goes_through_in_its_own_form()
    {
        await using var provider = ScriptedProvider.OpenAi().On("POST /v1/completions", Script.Json(Whole("Hello!")));
        await using var gateway = await new GatewayUnderTest().InProduction(provider).StartAsync();

        using var response = await gateway.SendAsync("/v1/completions", Hello, Key);

        var json = await response.Content.ReadAsStringAsync(Cancellation);
        OpenAiSchema.AssertValid(OpenAiSchema.LegacyCompletion, json);
        Assert.Equal(Whole("Hello!"), json);
        Assert.Equal("""{"model":"internal-model","prompt":"Say hello","max_tokens":7}""", provider.Requests[0].Text);
    }

    [Fact]
    public async Task A_stream_goes_through_and_starts_with_its_first_text()
    {
        var gate = new Gate();
        await using var provider = ScriptedProvider.OpenAi().On(
            "POST /v1/completions", Script.Sse(Chunk("Hel")).WaitFor(gate).Event(Chunk("lo")).Event(Chunk("", "\"stop\"")).Event(UsageChunk()).Done());
        await using var gateway = await new GatewayUnderTest().InProduction(provider).StartAsync();

        using var response = await gateway.OpenStreamAsync("/v1/completions", Streamed(), Key);
        await using var reader = await SseReader.OpenAsync(response, Cancellation);
        gate.Release();
        var events = await reader.ReadToEndAsync();

        Assert.Equal("Hello", Text(events));
        Assert.True(events[^1].IsDone);
        Assert.DoesNotContain(events, chunk => chunk.Data.Contains("usage", StringComparison.Ordinal));
        Assert.True(provider.Requests[0].Json().GetProperty("stream_options").GetProperty("include_usage").GetBoolean());
        var record = Assert.Single(await gateway.Ledger.WaitForRequestsAsync(1));
        Assert.Equal((9L, 2L), (record["input_tokens"], record["output_tokens"]));
    }

    [Fact]
    public async Task A_stream_that_ends_before_its_first_text_falls_back()
    {
        await using var first = ScriptedProvider.OpenAi().On("POST /v1/completions", Script.Sse(Chunk("")).Reset());
        await using var second = ScriptedProvider.OpenAi().On("POST /v1/completions", Script.Json(Whole("Hello!")));
        await using var gateway = await new GatewayUnderTest().InProduction(first)
            .WithSettings($"providers:\n  spare:\n    base_url: {second.BaseUrl}\n    models: [m]\n")
            .WithAgents("""{"fallback_settings":{"enabled":true,"providers":[{"provider":"spare","model_name":"m"}]}}""").StartAsync();

        using var response = await gateway.OpenStreamAsync("/v1/completions", Streamed("""{"include_usage":true}"""), Key);
        await using var reader = await SseReader.OpenAsync(response, Cancellation);
        var events = await reader.ReadToEndAsync();

        Assert.Equal("Hello!", Text(events));
        Assert.All(events[..^1], chunk => Assert.Contains("\"text_completion\"", chunk.Data, StringComparison.Ordinal));
        Assert.Contains("\"total_tokens\":11", events[^2].Data, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_agents_system_prompt_and_sampling_stand_before_the_prompt()
    {
        await using var provider = ScriptedProvider.OpenAi().On("POST /v1/completions", Script.Json(Whole("ok")), Script.Json(Whole("ok")));
        await using var gateway = await new GatewayUnderTest().InProduction(provider)
            .WithAgents("""{"agents":{"polite":{"provider":"internal","model_name":"m","system_prompt":"Be \"polite\".","temperature":0.5,"max_tokens":99,"reasoning_effort":"low"}}}""").StartAsync();

        using var response = await gateway.SendAsync("/agents/polite/v1/completions", """{"prompt":["One","Two"]}""", Key);

        var sent = provider.Requests[0].Json();
        Assert.Equal(["Be \"polite\".\n\nOne", "Be \"polite\".\n\nTwo"], sent.GetProperty("prompt").EnumerateArray().Select(prompt => prompt.GetString()));
        Assert.Equal((0.5, 99), (sent.GetProperty("temperature").GetDouble(), sent.GetProperty("max_tokens").GetInt32()));
        Assert.False(sent.TryGetProperty("reasoning_effort", out _));
    }

    [Theory]
    [InlineData("\"Say hello\"")]
    [InlineData("[\"Say hello\"]")]
    public async Task Ollama_gets_a_chat_and_the_client_its_text(string prompt)
    {
        await using var provider = ScriptedProvider.Ollama().Answers(Script.Json(OllamaReplies.Whole("Hello!")));
        await using var gateway = await new GatewayUnderTest().WithVariable("OLLAMA_BASE_URL", provider.BaseUrl).StartAsync();

        using var response = await gateway.SendAsync("/v1/completions", $$"""{"prompt":{{prompt}},"temperature":0.25,"stop":"END"}""");

        var json = await response.Content.ReadAsStringAsync(Cancellation);
        OpenAiSchema.AssertValid(OpenAiSchema.LegacyCompletion, json);
        using var document = JsonDocument.Parse(json);
        Assert.Equal("Hello!", document.RootElement.GetProperty("choices")[0].GetProperty("text").GetString());
        Assert.StartsWith("cmpl-", document.RootElement.GetProperty("id").GetString(), StringComparison.Ordinal);
        Assert.Equal(11, document.RootElement.GetProperty("usage").GetProperty("total_tokens").GetInt32());
        var sent = provider.Requests[0].Json();
        Assert.Equal("Say hello", sent.GetProperty("messages")[0].GetProperty("content").GetString());
        var options = sent.GetProperty("options");
        Assert.Equal((16, 0.25), (options.GetProperty("num_predict").GetInt32(), options.GetProperty("temperature").GetDouble()));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Ollamas_stream_becomes_text_chunks(bool asksUsage)
    {
        await using var provider = ScriptedProvider.Ollama().Answers(OllamaReplies.Stream("Hel", "lo"));
        await using var gateway = await new GatewayUnderTest().WithVariable("OLLAMA_BASE_URL", provider.BaseUrl).StartAsync();

        using var response = await gateway.OpenStreamAsync("/v1/completions", Streamed(asksUsage ? """{"include_usage":true}""" : "null"));
        await using var reader = await SseReader.OpenAsync(response, Cancellation);
        var events = await reader.ReadToEndAsync();

        Assert.Equal("Hello", Text(events));
        Assert.True(events[^1].IsDone);
        Assert.All(events[..^1], chunk => Assert.Contains("\"object\":\"text_completion\"", chunk.Data, StringComparison.Ordinal));
        Assert.Equal(asksUsage, events.Any(chunk => chunk.Data.Contains("\"total_tokens\":11", StringComparison.Ordinal)));
        Assert.Single(events, chunk => chunk.Data.Contains("\"finish_reason\":\"stop\"", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("\"prompt\":[\"a\",\"b\"]", "one 'prompt'")]
    [InlineData("\"prompt\":[1,2]", "token numbers")]
    [InlineData("\"prompt\":\"a\",\"suffix\":\"b\"", "suffix")]
    [InlineData("\"prompt\":\"a\",\"echo\":true", "echo")]
    [InlineData("\"prompt\":\"a\",\"best_of\":3", "best_of")]
    [InlineData("\"prompt\":\"a\",\"logprobs\":2", "logprobs")]
    public async Task What_a_chat_cannot_carry_is_said_not_dropped(string members, string explanation)
    {
        await using var provider = ScriptedProvider.Ollama();
        await using var gateway = await new GatewayUnderTest().WithVariable("OLLAMA_BASE_URL", provider.BaseUrl).StartAsync();

        using var response = await gateway.SendAsync("/v1/completions", "{" + members + "}");

        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        var json = await response.Content.ReadAsStringAsync(Cancellation);
        Assert.Contains("unsupported_by_any_target", json, StringComparison.Ordinal);
        Assert.Contains(explanation, json, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"model":"m"}""", "prompt")]
    [InlineData("""{"prompt":7}""", "prompt")]
    [InlineData("""{"prompt":"a","logprobs":true}""", "logprobs")]
    [InlineData("""{"prompt":"a","echo":1}""", "echo")]
    [InlineData("""{"prompt":"a","max_tokens":-1}""", "max_tokens")]
    [InlineData("""{"prompt":"a","stream":"yes"}""", "stream")]
    public async Task Members_of_the_wrong_kind_are_refused(string request, string param)
    {
        await using var gateway = await new GatewayUnderTest().StartAsync();

        using var response = await gateway.SendAsync("/v1/completions", request);

        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        using var document = JsonDocument.Parse(await response.Content.ReadAsStringAsync(Cancellation));
        Assert.Equal(param, document.RootElement.GetProperty("error").GetProperty("param").GetString());
    }

    [Fact]
    public async Task With_no_configuration_the_mock_answers()
    {
        await using var gateway = await new GatewayUnderTest().StartAsync();

        using var whole = await gateway.SendAsync("/v1/completions", Hello);
        using var response = await gateway.OpenStreamAsync("/v1/completions", Streamed("""{"include_usage":true}"""));
        await using var reader = await SseReader.OpenAsync(response, Cancellation);
        var events = await reader.ReadToEndAsync();

        OpenAiSchema.AssertValid(OpenAiSchema.LegacyCompletion, await whole.Content.ReadAsStringAsync(Cancellation));
        Assert.Equal("Mock response to: Say hello", Text(events));
    }

    private static string Streamed(string options = "null") => $$"""{"model":"anything","prompt":"Say hello","stream":true,"stream_options":{{options}}}""";

    private static string Whole(string text) =>
        $$$"""{"id":"cmpl-1","object":"text_completion","created":1790000000,"model":"m","choices":[{"text":"{{{text}}}","index":0,"logprobs":null,"finish_reason":"stop"}],"usage":{{{OpenAiReplies.Usage(9, 2)}}}}""";

    private static string Chunk(string text, string finish = "null") =>
        $$$"""{"id":"cmpl-1","object":"text_completion","created":1790000000,"model":"m","choices":[{"text":"{{{text}}}","index":0,"logprobs":null,"finish_reason":{{{finish}}}}]}""";

    private static string UsageChunk() =>
        $$"""{"id":"cmpl-1","object":"text_completion","created":1790000000,"model":"m","choices":[],"usage":{{OpenAiReplies.Usage(9, 2)}}}""";

    private static string Text(IReadOnlyList<SseEvent> events) => string.Concat(events.Where(chunk => !chunk.IsDone).Select(chunk =>
    {
        using var document = JsonDocument.Parse(chunk.Data);
        return string.Concat(document.RootElement.GetProperty("choices").EnumerateArray().Select(choice => choice.GetProperty("text").GetString()));
    }));
}
