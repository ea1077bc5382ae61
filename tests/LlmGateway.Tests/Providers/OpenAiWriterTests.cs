using System.Buffers;
using System.Text;
using System.Text.Json;
using LlmGateway.Model;
using LlmGateway.Providers.Wire;

namespace LlmGateway.Tests.Providers;

public sealed class OpenAiWriterTests
{
    private static readonly CompletionStamp Stamp = new("chatcmpl-1", 5, "m \"1\" 世");

    [Fact]
    public void Chunks_Always_HaveTheRequiredMembers()
    {
        var output = new ArrayBufferWriter<byte>();
        var chunks = new OpenAiChunkWriter(Stamp, tellsUsage: true);

        chunks.WriteRole(output);
        chunks.WriteRefusal(output, WireText.Plain("no 🙂"u8));
        chunks.Choice = 1;
        chunks.WriteContent(output, WireText.Json("\"a\\n\\ud83d\\ude42\""u8));
        chunks.WriteFinish(output, FinishReason.ContentFilter);
        chunks.WriteUsage(output, new TokenUsage(3, 4, 2, 1));
        OpenAiChunkWriter.WriteDone(output);

        GoldenText.AssertSameEvents(
            """
            data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":5,"model":"m \"1\" 世","choices":[{"index":0,"delta":{"role":"assistant","content":"","refusal":null},"logprobs":null,"finish_reason":null}],"usage":null}

            data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":5,"model":"m \"1\" 世","choices":[{"index":0,"delta":{"refusal":"no 🙂"},"logprobs":null,"finish_reason":null}],"usage":null}

            data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":5,"model":"m \"1\" 世","choices":[{"index":1,"delta":{"content":"a\n🙂"},"logprobs":null,"finish_reason":null}],"usage":null}

            data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":5,"model":"m \"1\" 世","choices":[{"index":1,"delta":{},"logprobs":null,"finish_reason":"content_filter"}],"usage":null}

            data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":5,"model":"m \"1\" 世","choices":[],"usage":{"prompt_tokens":3,"completion_tokens":4,"total_tokens":7,"prompt_tokens_details":{"cached_tokens":2,"audio_tokens":0},"completion_tokens_details":{"reasoning_tokens":1,"audio_tokens":0,"accepted_prediction_tokens":0,"rejected_prediction_tokens":0}}}

            data: [DONE]


            """u8.ToArray(),
            output.WrittenSpan.ToArray());
    }

    [Fact]
    public void Chunks_Always_AreOneDataLineEach()
    {
        var output = new ArrayBufferWriter<byte>();
        var chunks = new OpenAiChunkWriter(Stamp, tellsUsage: false);

        chunks.WriteContent(output, WireText.Plain("a\r\nb\u2028c"u8));

        var text = Encoding.UTF8.GetString(output.WrittenSpan);
        Assert.StartsWith("data: {", text, StringComparison.Ordinal);
        Assert.EndsWith("}\n\n", text, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', text[..^2]);
        Assert.DoesNotContain('\r', text);
        Assert.DoesNotContain("usage", text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("\"\"", 0)]
    [InlineData("\"abc\"", 3)]
    [InlineData("\"\\n\\\"\\\\\"", 3)]
    [InlineData("\"\\u0041\\u00e9\\u4e16\\ud83d\\ude42\"", 10)]
    [InlineData("\"é世🙂\"", 9)]
    public void Utf8Length_OfJson_CountsWhatIsMeant(string json, int expected)
    {
        Assert.Equal(expected, WireText.Json(Encoding.UTF8.GetBytes(json)).Utf8Length);
        Assert.Equal(expected, Encoding.UTF8.GetByteCount(JsonSerializer.Deserialize<string>(json)!));
    }

    [Fact]
    public void Reply_RefusalAlone_HasNullContent()
    {
        var output = new ArrayBufferWriter<byte>();
        using var writer = new OpenAiReplyWriter(output, Stamp);

        writer.Begin(WireText.None, WireText.None, WireText.Plain("No."u8), hasToolCalls: false);
        writer.End(FinishReason.Stop, usage: null);

        using var reply = JsonDocument.Parse(output.WrittenMemory);
        var message = reply.RootElement.GetProperty("choices")[0].GetProperty("message");
        Assert.Equal(JsonValueKind.Null, message.GetProperty("content").ValueKind);
        Assert.Equal("No.", message.GetProperty("refusal").GetString());
        Assert.False(reply.RootElement.TryGetProperty("usage", out _));
    }

    [Fact]
    public void CompletionToChunks_WholeCompletion_BecomesAStream()
    {
        var output = new ArrayBufferWriter<byte>();
        var completion = """
            {"id":"chatcmpl-1","object":"chat.completion","created":5,"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"hi","reasoning":"hm","refusal":null,
            "tool_calls":[{"id":"call_1","type":"function","function":{"name":"f","arguments":"{}"}}]},"logprobs":null,"finish_reason":"tool_calls"}]}
            """u8.ToArray();

        Assert.True(CompletionToChunks.TryWrite(completion, tellsUsage: true, new TokenUsage(1, 2), output));

        GoldenText.AssertSameEvents(
            """
            data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":5,"model":"m","choices":[{"index":0,"delta":{"role":"assistant","content":"","refusal":null},"logprobs":null,"finish_reason":null}],"usage":null}

            data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":5,"model":"m","choices":[{"index":0,"delta":{"reasoning_content":"hm"},"logprobs":null,"finish_reason":null}],"usage":null}

            data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":5,"model":"m","choices":[{"index":0,"delta":{"content":"hi"},"logprobs":null,"finish_reason":null}],"usage":null}

            data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":5,"model":"m","choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"call_1","type":"function","function":{"name":"f","arguments":""}}]},"logprobs":null,"finish_reason":null}],"usage":null}

            data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":5,"model":"m","choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"{}"}}]},"logprobs":null,"finish_reason":null}],"usage":null}

            data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":5,"model":"m","choices":[{"index":0,"delta":{},"logprobs":null,"finish_reason":"tool_calls"}],"usage":null}

            data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":5,"model":"m","choices":[],"usage":{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3,"prompt_tokens_details":{"cached_tokens":0,"audio_tokens":0},"completion_tokens_details":{"reasoning_tokens":0,"audio_tokens":0,"accepted_prediction_tokens":0,"rejected_prediction_tokens":0}}}

            data: [DONE]


            """u8.ToArray(),
            output.WrittenSpan.ToArray());
    }

    [Fact]
    public void CompletionToChunks_DeprecatedFunctionCall_StaysOne()
    {
        var output = new ArrayBufferWriter<byte>();
        var completion = """
            {"id":"chatcmpl-1","object":"chat.completion","created":5,"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":null,"refusal":null,
            "function_call":{"name":"f","arguments":"{\"x\":1}"}},"logprobs":null,"finish_reason":"function_call"}]}
            """u8.ToArray();

        Assert.True(CompletionToChunks.TryWrite(completion, tellsUsage: false, null, output));

        GoldenText.AssertSameEvents(
            """
            data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":5,"model":"m","choices":[{"index":0,"delta":{"role":"assistant","content":"","refusal":null},"logprobs":null,"finish_reason":null}]}

            data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":5,"model":"m","choices":[{"index":0,"delta":{"function_call":{"name":"f","arguments":""}},"logprobs":null,"finish_reason":null}]}

            data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":5,"model":"m","choices":[{"index":0,"delta":{"function_call":{"arguments":"{\"x\":1}"}},"logprobs":null,"finish_reason":null}]}

            data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":5,"model":"m","choices":[{"index":0,"delta":{},"logprobs":null,"finish_reason":"function_call"}]}

            data: [DONE]


            """u8.ToArray(),
            output.WrittenSpan.ToArray());
    }

    [Theory]
    [InlineData("<html>")]
    [InlineData("[]")]
    [InlineData("""{"choices":[]}""")]
    [InlineData("""{"choices":[{"message":{"role":"assistant","content":"half"},"finish_reason":null}]}""")]
    [InlineData("""{"choices":[{"finish_reason":"stop"}]}""")]
    [InlineData("""{"error":{"message":"x"}}""")]
    public void CompletionToChunks_NoFinishedCompletion_IsRefused(string completion) =>
        Assert.False(CompletionToChunks.TryWrite(Encoding.UTF8.GetBytes(completion), tellsUsage: false, null, new ArrayBufferWriter<byte>()));
}
