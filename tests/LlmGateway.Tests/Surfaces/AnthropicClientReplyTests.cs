using System.Text;
using System.Text.Json;
using LlmGateway.Tests.Providers;
using static LlmGateway.Tests.Surfaces.SurfaceCase;

namespace LlmGateway.Tests.Surfaces;

/// <summary>Answers as Anthropic's clients read them: whole, and as events in their exact order.</summary>
public sealed class AnthropicClientReplyTests
{
    private const string Tail = ""","server_tool_use":null,"cache_creation":null,"inference_geo":null,"service_tier":null,"speed":null}""";

    [Fact]
    public void Reply_HasEveryMemberAndDisjointUsage()
    {
        var reply = Reply(Anthropic(), """{"id":"c","model":"gpt","choices":[{"index":0,"message":{"role":"assistant","content":"hi","reasoning_content":"hm","tool_calls":[{"id":"t1","type":"function","function":{"name":"f","arguments":"{\"a\":1}"}},{"id":"t2","type":"function","function":{"name":"g","arguments":"not json"}}]},"finish_reason":"tool_calls"}],"usage":{"prompt_tokens":100,"completion_tokens":5,"prompt_tokens_details":{"cached_tokens":90},"completion_tokens_details":{"reasoning_tokens":2}}}""");

        GoldenText.AssertSameJson(
            Encoding.UTF8.GetBytes("""{"id":"msg_00000001000000000000000000000000","type":"message","role":"assistant","model":"gpt","content":[{"type":"thinking","thinking":"hm","signature":""},{"type":"text","text":"hi"},{"type":"tool_use","id":"t1","name":"f","caller":{"type":"direct"},"input":{"a":1}},{"type":"tool_use","id":"t2","name":"g","caller":{"type":"direct"},"input":{"arguments":"not json"}}],"stop_reason":"tool_use","stop_sequence":null,"stop_details":null,"container":null,"diagnostics":null,"usage":{"input_tokens":10,"cache_creation_input_tokens":0,"cache_read_input_tokens":90,"output_tokens":5,"output_tokens_details":{"thinking_tokens":2}""" + Tail + "}"),
            reply);
    }

    [Theory]
    [InlineData("stop", "end_turn")]
    [InlineData("length", "max_tokens")]
    [InlineData("content_filter", "refusal")]
    [InlineData("something", "end_turn")]
    public void Reply_FinishReason_IsAStopReason(string finish, string stop)
    {
        var reply = Reply(Anthropic(), $$"""{"model":"m","choices":[{"message":{"content":"x"},"finish_reason":"{{finish}}"}]}""");

        using var document = JsonDocument.Parse(reply);
        Assert.Equal(stop, document.RootElement.GetProperty("stop_reason").GetString());
    }

    [Fact]
    public void Reply_ReasoningNobodyAskedFor_IsNotShown()
    {
        var reply = Reply(Anthropic(), """{"model":"m","choices":[{"message":{"content":"x","reasoning":"hm"},"finish_reason":"stop"}]}""", showsReasoning: false);

        Assert.DoesNotContain("thinking\":\"hm", Encoding.UTF8.GetString(reply), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("{}")]
    [InlineData("""{"choices":[]}""")]
    [InlineData("""{"choices":[{"message":5}]}""")]
    [InlineData("x")]
    public void Reply_NoCompletion_IsNone(string text) => Assert.Null(Anthropic().WriteReply(Encoding.UTF8.GetBytes(text), TestRequests.Chat()));

    [Fact]
    public async Task Stream_ThinkingTextAndTools_KeepsBlocksInOrder()
    {
        var stream = await StreamAsync(Anthropic, Chunks(
            Delta("""{"role":"assistant","content":""}"""),
            Delta("""{"reasoning_content":"hm"}"""),
            Delta("""{"content":"Let \"me\" "}"""),
            Delta("""{"content":"look é"}"""),
            Delta("""{"tool_calls":[{"index":0,"id":"t1","type":"function","function":{"name":"f","arguments":""}}]}"""),
            Delta("""{"tool_calls":[{"index":1,"id":"t2","type":"function","function":{"name":"g","arguments":"{\"b\""}}]}"""),
            Delta("""{"tool_calls":[{"index":0,"function":{"arguments":"{\"a\":1}"}},{"index":1,"function":{"name":"","arguments":":2}"}}]}"""),
            Delta("{}", "\"tool_calls\""),
            """ "choices":[],"usage":{"prompt_tokens":20,"completion_tokens":7,"total_tokens":27,"prompt_tokens_details":{"cached_tokens":5}} """) + "data: [DONE]\n\n");

        AssertEvents(
            stream,
            "message_start",
            "ping",
            """content_block_start {"index":0,"content_block":{"type":"thinking","thinking":"","signature":""}}""",
            """content_block_delta {"index":0,"delta":{"type":"thinking_delta","thinking":"hm"}}""",
            """content_block_stop {"index":0}""",
            """content_block_start {"index":1,"content_block":{"type":"text","text":""}}""",
            """content_block_delta {"index":1,"delta":{"type":"text_delta","text":"Let \"me\" "}}""",
            """content_block_delta {"index":1,"delta":{"type":"text_delta","text":"look é"}}""",
            """content_block_stop {"index":1}""",
            """content_block_start {"index":2,"content_block":{"type":"tool_use","id":"t1","name":"f","caller":{"type":"direct"},"input":{}}}""",
            """content_block_delta {"index":2,"delta":{"type":"input_json_delta","partial_json":"{\"a\":1}"}}""",
            """content_block_stop {"index":2}""",
            """content_block_start {"index":3,"content_block":{"type":"tool_use","id":"t2","name":"g","caller":{"type":"direct"},"input":{}}}""",
            """content_block_delta {"index":3,"delta":{"type":"input_json_delta","partial_json":"{\"b\":2}"}}""",
            """content_block_stop {"index":3}""",
            """message_delta {"delta":{"stop_reason":"tool_use","stop_sequence":null,"stop_details":null,"container":null},"usage":{"input_tokens":15,"cache_creation_input_tokens":0,"cache_read_input_tokens":5,"output_tokens":7,"output_tokens_details":{"thinking_tokens":0},"server_tool_use":null}}""",
            "message_stop {}");
    }

    [Fact]
    public async Task Stream_ToolWithoutArguments_HasAnEmptyObject()
    {
        var stream = await StreamAsync(Anthropic, Chunks(
            Delta("""{"tool_calls":[{"index":0,"id":"t1","function":{"name":"f"}}]}"""), Delta("{}", "\"stop\"")) + "data: [DONE]\n\n");

        Assert.Contains("""{"type":"input_json_delta","partial_json":"{}"}""", stream, StringComparison.Ordinal);
        Assert.Contains("\"stop_reason\":\"tool_use\"", stream, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Stream_Comment_IsAPing_AndOtherChoicesAreNotSeen()
    {
        var stream = await StreamAsync(Anthropic, Chunks(Delta("""{"content":"a"}""")) + ": alive\n\n"
            + """data: {"choices":[{"index":1,"delta":{"content":"other"}}]}""" + "\n\n" + Chunks(Delta("{}", "\"length\"")) + "data: [DONE]\n\n");

        AssertEvents(stream, "message_start", "ping", "content_block_start", "content_block_delta", "ping {}", "content_block_stop", "message_delta", "message_stop");
    }

    [Theory]
    [InlineData("data: {\"error\":{\"message\":\"broke\",\"type\":\"api_error\",\"param\":null,\"code\":\"upstream_stream_error\"}}\n\n", "broke")]
    [InlineData("", "broke off")]
    [InlineData("data: {\n\n", "broke off")]
    public async Task Stream_ThatBreaks_EndsWithAnErrorEvent(string end, string message)
    {
        var stream = await StreamAsync(Anthropic, Chunks(Delta("""{"content":"a"}""")) + end);

        AssertEvents(stream, "message_start", "ping", "content_block_start", "content_block_delta", "error");
        Assert.Contains(message, stream, StringComparison.Ordinal);
        Assert.EndsWith("\"request_id\":\"test\"}\n\n", stream, StringComparison.Ordinal);
    }

    /// <summary>Each event has a name, which is its type; the given ones are compared as far as they go.</summary>
    private static void AssertEvents(string stream, params string[] expected)
    {
        var events = stream.Split("\n\n", StringSplitOptions.RemoveEmptyEntries).Select(text => text.Split('\n')).ToList();
        Assert.Equal(expected.Select(text => text.Split(' ')[0]), events.Select(lines => lines[0]["event: ".Length..]));
        foreach (var (wanted, lines) in expected.Zip(events))
        {
            var name = wanted.Split(' ')[0];
            Assert.StartsWith($"data: {{\"type\":\"{name}\"", lines[1], StringComparison.Ordinal);
            if (wanted.Length > name.Length)
            {
                var members = wanted[(name.Length + 2)..];
                GoldenText.AssertSameJson(
                    Encoding.UTF8.GetBytes($"{{\"type\":\"{name}\"{(members == "}" ? "" : ",")}{members}"), Encoding.UTF8.GetBytes(lines[1]["data: ".Length..]));
            }
        }
    }
}
