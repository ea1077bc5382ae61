using System.Net;
using System.Text.Json;
using Anthropic;
using Anthropic.Exceptions;
using Anthropic.Models.Messages;
using LlmGateway.FunctionalTests.Infrastructure;

namespace LlmGateway.FunctionalTests;

/// <summary>Clients that speak Anthropic's Messages API, with any provider behind: the official client, and the bytes it does not show.</summary>
public sealed class AnthropicClientTests
{
    private const string Hello = """{"model":"claude-sonnet-4-5","max_tokens":100,"messages":[{"role":"user","content":"Hello there"}]}""";

    private static readonly (string, string) Key = ("x-api-key", "sk-client");

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_client_gets_a_whole_answer()
    {
        await using var provider = ScriptedProvider.OpenAi().Answers(Script.Json(OpenAiReplies.Completion("Well met")));
        await using var gateway = await new GatewayUnderTest().InProduction(provider).StartAsync();

        var reply = await Client(gateway).Messages.Create(Ask("Hello there"), Cancellation);

        reply.Validate();
        Assert.True(reply.Content[0].TryPickText(out var text));
        Assert.Equal("Well met", text!.Text);
        Assert.Equal((9L, 2L), (reply.Usage.InputTokens, reply.Usage.OutputTokens));
        Assert.Equal("end_turn", reply.StopReason!.Raw());
        var sent = provider.Requests[0].Json();
        Assert.Equal("internal-model", sent.GetProperty("model").GetString());
        Assert.Equal(100, sent.GetProperty("max_completion_tokens").GetInt32());
        Assert.Equal("Hello there", sent.GetProperty("messages")[0].GetProperty("content").GetString());
    }

    [Fact]
    public async Task The_client_gets_a_stream_as_it_comes()
    {
        var gate = new Gate();
        await using var provider = ScriptedProvider.OpenAi().Answers(
            Script.Sse(OpenAiReplies.RoleChunk(), OpenAiReplies.ContentChunk("Well ")).WaitFor(gate)
                .Event(OpenAiReplies.ContentChunk("met")).Event(OpenAiReplies.FinishChunk()).Event(OpenAiReplies.UsageChunk()).Done());
        await using var gateway = await new GatewayUnderTest().InProduction(provider).StartAsync();

        var texts = new List<string>();
        var output = 0L;
        await foreach (var update in Client(gateway).Messages.CreateStreaming(Ask("Hello there"), Cancellation))
        {
            if (update.TryPickContentBlockDelta(out var delta) && delta!.Delta.TryPickText(out var text))
            {
                texts.Add(text!.Text);
                gate.Release();
            }

            output = update.TryPickDelta(out var end) ? end!.Usage.OutputTokens : output;
        }

        Assert.Equal(["Well ", "met"], texts);
        Assert.Equal(2, output);
    }

    [Fact]
    public async Task A_tool_round_trip_keeps_id_and_arguments()
    {
        await using var provider = ScriptedProvider.OpenAi().Answers(
            Script.Sse(
                OpenAiReplies.Chunk("""{"role":"assistant","content":null,"tool_calls":[{"index":0,"id":"call_7","type":"function","function":{"name":"weather","arguments":""}}]}"""),
                OpenAiReplies.Chunk("""{"tool_calls":[{"index":0,"function":{"arguments":"{\"city\":\"Paris\"}"}}]}"""),
                OpenAiReplies.FinishChunk("tool_calls"), OpenAiReplies.UsageChunk()).Done(),
            Script.Json(OpenAiReplies.Completion("Sunny.")));
        await using var gateway = await new GatewayUnderTest().InProduction(provider).StartAsync();
        var client = Client(gateway);
        var ask = Ask("Weather in Paris?") with
        {
            Tools = [new Tool { Name = "weather", InputSchema = new InputSchema { Properties = new Dictionary<string, JsonElement>() } }],
        };

        var (id, arguments) = ("", "");
        await foreach (var update in client.Messages.CreateStreaming(ask, Cancellation))
        {
            id = update.TryPickContentBlockStart(out var start) && start!.ContentBlock.TryPickToolUse(out var use) ? use!.ID : id;
            arguments += update.TryPickContentBlockDelta(out var delta) && delta!.Delta.TryPickInputJson(out var json) ? json!.PartialJson : "";
        }

        var history = $$"""[{"role":"user","content":"Weather in Paris?"},{"role":"assistant","content":[{"type":"tool_use","id":"{{id}}","name":"weather","input":{{arguments}}}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"{{id}}","content":"22 degrees"}]}]""";
        using var messages = JsonDocument.Parse(history);
        var reply = await client.Messages.Create(ask with { Messages = [.. messages.RootElement.EnumerateArray().Select(message => new MessageParam(message))] }, Cancellation);

        Assert.True(reply.Content[0].TryPickText(out var text));
        Assert.Equal("Sunny.", text!.Text);
        var sent = provider.Requests[1].Json().GetProperty("messages");
        Assert.Equal("""{"city":"Paris"}""", sent[1].GetProperty("tool_calls")[0].GetProperty("function").GetProperty("arguments").GetString());
        Assert.Equal(("tool", "call_7", "22 degrees"), (sent[2].GetProperty("role").GetString(), sent[2].GetProperty("tool_call_id").GetString(), sent[2].GetProperty("content").GetString()));
    }

    [Fact]
    public async Task The_client_raises_its_own_errors()
    {
        await using var provider = ScriptedProvider.OpenAi().AlwaysAnswers(_ => Script.Json(OpenAiReplies.Error("slow down"), 429, ("retry-after", "7")));
        await using var gateway = await new GatewayUnderTest().WithoutVariable("OLLAMA_BASE_URL").InProduction(provider).StartAsync();

        await Assert.ThrowsAsync<AnthropicUnauthorizedException>(() => Client(gateway, "sk-wrong").Messages.Create(Ask("hi"), Cancellation));
        await Assert.ThrowsAsync<AnthropicRateLimitException>(() => Client(gateway).Messages.Create(Ask("hi"), Cancellation));
        await Assert.ThrowsAsync<AnthropicNotFoundException>(() => Client(gateway).Messages.Create(Ask("hi") with { Model = "agent:nobody" }, Cancellation));
    }

    [Fact]
    public async Task A_stream_that_breaks_is_an_error_in_the_client()
    {
        await using var provider = ScriptedProvider.OpenAi().Answers(Script.Sse(OpenAiReplies.RoleChunk(), OpenAiReplies.ContentChunk("Well ")).Reset());
        await using var gateway = await new GatewayUnderTest().InProduction(provider).StartAsync();

        var texts = 0;
        await Assert.ThrowsAnyAsync<AnthropicException>(async () =>
        {
            await foreach (var update in Client(gateway).Messages.CreateStreaming(Ask("hi"), Cancellation))
            {
                texts += update.TryPickContentBlockDelta(out _) ? 1 : 0;
            }
        });

        Assert.Equal(1, texts);
    }

    [Fact]
    public async Task The_client_counts_tokens_without_a_provider()
    {
        await using var gateway = await new GatewayUnderTest().StartAsync();

        var count = await Client(gateway).Messages.CountTokens(new MessageCountTokensParams { Model = "claude", Messages = [new UserMessageParam { Content = new string('x', 400) }] }, Cancellation);

        Assert.InRange(count.InputTokens, 100, 130);
    }

    [Theory]
    [InlineData("""{"type":"text","text":"Hello"}""")]
    [InlineData("""{"type":"thinking","thinking":"never signed","signature":""},{"type":"text","text":"Hello"}""")]
    public async Task Where_Anthropic_would_answer_it_counts(string earlier)
    {
        await using var provider = ScriptedProvider.Anthropic().On("POST /v1/messages/count_tokens", Script.Json("""{"input_tokens":2095}"""));
        await using var gateway = await Native(provider).StartAsync();

        using var response = await gateway.SendAsync(
            "/v1/messages/count_tokens",
            $$"""{"model":"agent:claude","max_tokens":9,"temperature":0.5,"messages":[{"role":"user","content":"Hi"},{"role":"assistant","content":[{{earlier}}]},{"role":"user","content":"Bye"}],"tools":[{"name":"f","input_schema":{"type":"object"} } ]}""");

        Assert.Equal("""{"input_tokens":2095}""", await response.Content.ReadAsStringAsync(Cancellation));
        var sent = Assert.Single(provider.Requests);
        Assert.Equal("key-a", sent.Header("x-api-key"));
        Assert.Contains("Be kind.", sent.Json().GetProperty("system").ToString(), StringComparison.Ordinal);
        Assert.Equal("claude-x", sent.Json().GetProperty("model").GetString());
    }

    [Fact]
    public async Task A_count_that_cannot_be_had_is_estimated()
    {
        Script[] failures = [Script.Json(AnthropicReplies.Error("overloaded_error", "busy"), 529), Script.Json("""{"input_tokens":"many"}"""), Script.Json("<html>"), Script.Raw("").Reset()];
        await using var provider = ScriptedProvider.Anthropic().On("POST /v1/messages/count_tokens", failures);
        await using var gateway = await Native(provider).StartAsync();
        var body = $$"""{"model":"agent:claude","messages":[{"role":"user","content":"{{new string('x', 400)}}"}]}""";

        foreach (var _ in failures)
        {
            using var response = await gateway.SendAsync("/v1/messages/count_tokens", body);

            using var json = JsonDocument.Parse(await response.Content.ReadAsStringAsync(Cancellation));
            Assert.InRange(json.RootElement.GetProperty("input_tokens").GetInt32(), 100, 140);
        }

        Assert.Equal(failures.Length, provider.Requests.Count);
    }

    [Theory]
    [InlineData("/v1/messages", """{"model":"m","messages":[{"role":"user","content":"a"}]}""", 400, "invalid_request_error")]
    [InlineData("/v1/messages", "{", 400, "invalid_request_error")]
    [InlineData("/agents/nobody/v1/messages", Hello, 404, "not_found_error")]
    [InlineData("/v1/messages/count_tokens", """{"messages":[]}""", 400, "invalid_request_error")]
    public async Task A_refusal_has_Anthropics_shape(string path, string body, int status, string type)
    {
        await using var gateway = await new GatewayUnderTest().StartAsync();

        using var response = await gateway.SendAsync(path, body, ("X-Request-Id", "refused-1"));

        await AssertErrorAsync(response, status, type);
        Assert.Equal("refused-1", response.Headers.GetValues("request-id").Single());
    }

    [Fact]
    public async Task Refusals_before_the_body_is_read_have_Anthropics_shape()
    {
        await using var provider = ScriptedProvider.OpenAi();
        await using var gateway = await new GatewayUnderTest().InProduction(provider).WithVariable("GATEWAY_MAX_BODY", "1KiB").StartAsync();

        using var noKey = await gateway.SendAsync("/v1/messages", Hello);
        using var tooLarge = await gateway.SendAsync("/v1/messages", Hello + new string(' ', 2000), Key);
        using var wrongMethod = await gateway.Client.SendAsync(new HttpRequestMessage(HttpMethod.Get, "/v1/messages") { Headers = { { "x-api-key", "sk-client" } } }, Cancellation);

        await AssertErrorAsync(noKey, 401, "authentication_error");
        await AssertErrorAsync(tooLarge, 413, "request_too_large");
        await AssertErrorAsync(wrongMethod, 405, "invalid_request_error");
        Assert.Equal(["POST"], wrongMethod.Content.Headers.Allow);
    }

    [Fact]
    public async Task A_server_tool_needs_a_provider_that_has_it()
    {
        await using var provider = ScriptedProvider.OpenAi();
        await using var gateway = await new GatewayUnderTest().InProduction(provider).StartAsync();

        using var response = await gateway.SendAsync("/v1/messages", Hello.Replace("\"max_tokens\"", "\"tools\":[{\"type\":\"web_search_20250305\",\"name\":\"web_search\"}],\"max_tokens\"", StringComparison.Ordinal), Key);

        var message = await AssertErrorAsync(response, 400, "invalid_request_error");
        Assert.Contains("web_search_20250305", message, StringComparison.Ordinal);
        Assert.Empty(provider.Requests);
    }

    [Fact]
    public async Task A_call_is_counted_under_its_route_and_recorded()
    {
        await using var gateway = await new GatewayUnderTest().WithAgents("""{"agents":{"writer":{}}}""").StartAsync();

        using var response = await gateway.SendAsync("/agents/writer/v1/messages", Hello);

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        var page = await gateway.WaitForMetricsAsync(metrics => metrics.Sum("llm_gateway_requests_total", ("status", "200")) > 0, "the request to be counted");
        Assert.Equal(1, page.Sum("llm_gateway_requests_total", ("endpoint", "/agents/{agent}/v1/messages"), ("agent", "writer")));
        Assert.Single(await gateway.Ledger.WaitForRequestsAsync(1));
    }

    [Fact]
    public async Task Between_two_that_speak_Anthropic_everything_survives()
    {
        const string Reply = """{"id":"msg_1","type":"message","role":"assistant","model":"claude-x","content":[{"type":"thinking","thinking":"hm","signature":"sig"},{"type":"text","text":"hi","citations":[]}],"stop_reason":"end_turn","stop_sequence":null,"usage":{"input_tokens":10,"cache_creation_input_tokens":3,"cache_read_input_tokens":7,"output_tokens":5},"new_member":1}""";
        await using var provider = ScriptedProvider.Anthropic().Answers(Script.Json(Reply));
        await using var gateway = await Native(provider).StartAsync();

        using var response = await gateway.SendAsync(
            "/v1/messages",
            """{"model":"agent:claude","max_tokens":100,"system":[{"type":"text","text":"Own.","cache_control":{"type":"ephemeral"}}],"tools":[{"type":"web_search_20250305","name":"web_search"}],"messages":[{"role":"user","content":[{"type":"text","text":"Hello","cache_control":{"type":"ephemeral","ttl":"1h"}}]}]}""",
            ("anthropic-beta", "some-beta"));

        Assert.Equal(Reply, await response.Content.ReadAsStringAsync(Cancellation));
        var sent = provider.Requests[0];
        Assert.Equal("""{"model":"claude-x","max_tokens":100,"system":[{"type":"text","text":"Be kind."},{"type":"text","text":"Own.","cache_control":{"type":"ephemeral"}}],"tools":[{"type":"web_search_20250305","name":"web_search"}],"messages":[{"role":"user","content":[{"type":"text","text":"Hello","cache_control":{"type":"ephemeral","ttl":"1h"}}]}]}""", sent.Text);
        Assert.Equal(("some-beta", "key-a"), (sent.Header("anthropic-beta"), sent.Header("x-api-key")));
        var record = Assert.Single(await gateway.Ledger.WaitForRequestsAsync(1));
        Assert.Equal((20L, 5L), (record["input_tokens"], record["output_tokens"]));
    }

    [Fact]
    public async Task Between_two_that_speak_Anthropic_events_pass_as_they_are()
    {
        (string Name, string Data)[] events =
        [
            ("message_start", """{"type":"message_start","message":{"id":"msg_1","type":"message","role":"assistant","model":"claude-x","content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":10,"output_tokens":1}}}"""),
            ("content_block_start", """{"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":"","signature":""}}"""),
            ("content_block_delta", """{"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"hm"}}"""),
            ("content_block_delta", """{"type":"content_block_delta","index":0,"delta":{"type":"signature_delta","signature":"sig"}}"""),
            ("content_block_stop", """{"type":"content_block_stop","index":0}"""),
            ("content_block_start", """{"type":"content_block_start","index":1,"content_block":{"type":"text","text":""}}"""),
            ("content_block_delta", """{"type":"content_block_delta","index":1,"delta":{"type":"text_delta","text":"hi"}}"""),
            ("content_block_stop", """{"type":"content_block_stop","index":1}"""),
            ("message_delta", """{"type":"message_delta","delta":{"stop_reason":"end_turn","stop_sequence":null},"usage":{"output_tokens":5}}"""),
            ("message_stop", """{"type":"message_stop"}"""),
        ];
        await using var provider = ScriptedProvider.Anthropic().Answers(events.Aggregate(Script.Sse(), (script, item) => script.Event(item.Name, item.Data)));
        await using var gateway = await Native(provider).StartAsync();

        using var response = await gateway.SendAsync("/v1/messages", """{"model":"agent:claude","max_tokens":100,"stream":true,"messages":[{"role":"user","content":"Hello"}]}""");

        Assert.Equal(string.Concat(events.Select(item => $"event: {item.Name}\ndata: {item.Data}\n\n")), await response.Content.ReadAsStringAsync(Cancellation));
        var record = Assert.Single(await gateway.Ledger.WaitForRequestsAsync(1));
        Assert.Equal((10L, 5L), (record["input_tokens"], record["output_tokens"]));
    }

    [Fact]
    public async Task A_native_stream_that_breaks_ends_with_an_error_event()
    {
        await using var provider = ScriptedProvider.Anthropic().Answers(Script.Sse()
            .Event("message_start", """{"type":"message_start","message":{"id":"msg_1","type":"message","role":"assistant","model":"claude-x","content":[],"usage":{"input_tokens":10,"output_tokens":1}}}""")
            .Event("content_block_start", """{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}""")
            .Event("content_block_delta", """{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"hi"}}""").Reset());
        await using var gateway = await Native(provider).StartAsync();

        using var response = await gateway.SendAsync("/v1/messages", """{"model":"agent:claude","max_tokens":100,"stream":true,"messages":[{"role":"user","content":"Hello"}]}""");

        var text = await response.Content.ReadAsStringAsync(Cancellation);
        Assert.Contains("event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"api_error\"", text, StringComparison.Ordinal);
    }

    private static GatewayUnderTest Native(ScriptedProvider provider) => new GatewayUnderTest()
        .WithEnvironment("production").WithVariable("GATEWAY_AUTH", "none").WithVariable("ANTHROPIC_API_KEY", "key-a")
        .WithSettings($"providers:\n  anthropic:\n    base_url: {provider.BaseUrl}\n")
        .WithAgents("""{"default":{"provider":"anthropic","model_name":"claude-x"},"agents":{"claude":{"provider":"anthropic","model_name":"claude-x","system_prompt":"Be kind."}}}""");

    private static AnthropicClient Client(GatewayUnderTest gateway, string key = "sk-client") => new() { ApiKey = key, BaseUrl = gateway.BaseUrl, MaxRetries = 0 };

    private static MessageCreateParams Ask(string text) => new() { Model = "claude-sonnet-4-5", MaxTokens = 100, Messages = [new UserMessageParam { Content = text }] };

    private static async Task<string> AssertErrorAsync(HttpResponseMessage response, int status, string type)
    {
        Assert.Equal(status, (int)response.StatusCode);
        using var document = JsonDocument.Parse(await response.Content.ReadAsStringAsync(Cancellation));
        var root = document.RootElement;
        Assert.Equal("error", root.GetProperty("type").GetString());
        Assert.Equal(type, root.GetProperty("error").GetProperty("type").GetString());
        Assert.Equal(response.Headers.GetValues("request-id").Single(), root.GetProperty("request_id").GetString());
        return root.GetProperty("error").GetProperty("message").GetString()!;
    }
}
