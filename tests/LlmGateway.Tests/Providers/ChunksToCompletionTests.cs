using System.Text;
using System.Text.Json;
using LlmGateway.Providers.Wire;

namespace LlmGateway.Tests.Providers;

public sealed class ChunksToCompletionTests
{
    private const string Role = """{"id":"c","object":"chat.completion.chunk","created":7,"model":"m","choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}],"usage":null}""";
    private const string Stop = """{"id":"c","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}""";

    [Fact]
    public void TryPut_TextAndUsage_IsTheWholeCompletion()
    {
        var whole = Put(Role, Chunk("Hel"), Chunk("lo"), Stop, """{"id":"c","choices":[],"usage":{"prompt_tokens":3,"completion_tokens":2,"total_tokens":5}}""", "[DONE]");

        Assert.Equal(
            """{"id":"c","object":"chat.completion","created":7,"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"Hello","refusal":null},"finish_reason":"stop","logprobs":null}],"usage":{"prompt_tokens":3,"completion_tokens":2,"total_tokens":5}}""",
            whole!.Value.GetRawText());
    }

    [Fact]
    public void TryPut_LettersInPieces_AreWhole()
    {
        var whole = Put(Role, Chunk("Hé \\u007a"), Chunk("🙂"), Stop);

        Assert.Equal("Hé z🙂", whole!.Value.GetProperty("choices")[0].GetProperty("message").GetProperty("content").GetString());
    }

    [Fact]
    public void TryPut_CallsOfToolsInPieces_ArePutTogetherEach()
    {
        var whole = Put(
            """{"id":"c","choices":[{"index":0,"delta":{"role":"assistant","tool_calls":[{"index":0,"id":"a","type":"function","function":{"name":"add","arguments":""}}]}}]}""",
            """{"choices":[{"index":0,"delta":{"tool_calls":[{"index":1,"id":"b","type":"function","function":{"name":"sub","arguments":"{\"x\""}}]}}]}""",
            """{"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"{}"}},{"index":1,"function":{"arguments":":1}"}}]}}]}""",
            """{"choices":[{"index":0,"delta":{},"finish_reason":"tool_calls"}]}""");

        var message = whole!.Value.GetProperty("choices")[0].GetProperty("message");
        Assert.Equal(
            """[{"id":"a","type":"function","function":{"name":"add","arguments":"{}"}},{"id":"b","type":"function","function":{"name":"sub","arguments":"{\u0022x\u0022:1}"}}]""",
            message.GetProperty("tool_calls").GetRawText());
        Assert.Equal(JsonValueKind.Null, message.GetProperty("content").ValueKind);
    }

    [Fact]
    public void TryPut_SeveralChoicesReasoningAndLogprobs_AreKeptApart()
    {
        var whole = Put(
            """{"choices":[{"index":1,"delta":{"reasoning_content":"hm"},"logprobs":{"content":[{"token":"a"}]}},{"index":0,"delta":{"content":"x"}}]}""",
            """{"choices":[{"index":1,"delta":{"reasoning_content":"m","content":"y"},"logprobs":{"content":[{"token":"b"}]},"finish_reason":"length"}]}""",
            Stop);

        var choices = whole!.Value.GetProperty("choices");
        Assert.Equal("x", choices[0].GetProperty("message").GetProperty("content").GetString());
        Assert.Equal(("hmm", "y"), (choices[1].GetProperty("message").GetProperty("reasoning_content").GetString(), choices[1].GetProperty("message").GetProperty("content").GetString()));
        Assert.Equal("""[{"token":"a"},{"token":"b"}]""", choices[1].GetProperty("logprobs").GetProperty("content").GetRawText());
    }

    [Fact]
    public void TryPut_LegacyText_StaysATextCompletion()
    {
        var whole = Put("""{"id":"c","object":"text_completion","choices":[{"index":0,"text":"a"}]}""", """{"choices":[{"index":0,"text":"b","finish_reason":"stop"}]}""");

        Assert.Equal(("text_completion", "ab"), (whole!.Value.GetProperty("object").GetString(), whole.Value.GetProperty("choices")[0].GetProperty("text").GetString()));
    }

    [Fact]
    public void TryPut_ErrorInTheStream_IsTheError() =>
        Assert.Equal("down", Put(Role, """{"error":{"message":"down"}}""")!.Value.GetProperty("error").GetProperty("message").GetString());

    [Theory]
    [InlineData("data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"half\"}}]}\n\n")]
    [InlineData("data: {\"choices\":[{\"index\":0,\"del")]
    [InlineData("data: [DONE]\n\n")]
    [InlineData("data: 7\n\n")]
    [InlineData("data: {\"choices\":[{\"index\":\"x\"}]}\n\n")]
    [InlineData(": ping\n\n")]
    public void TryPut_NoWholeStream_IsNothing(string stream) => Assert.Null(ChunksToCompletion.TryPut(Encoding.UTF8.GetBytes(stream)));

    [Theory]
    [InlineData("data: {}", true)]
    [InlineData("\uFEFF\n: ping\n\ndata: {}", true)]
    [InlineData("event: x\ndata: {}", true)]
    [InlineData("{\"data:\":1}", false)]
    [InlineData("\n {}", false)]
    [InlineData("", false)]
    public void IsStream_Answers_AreToldApart(string answer, bool expected) => Assert.Equal(expected, ChunksToCompletion.IsStream(Encoding.UTF8.GetBytes(answer)));

    private static string Chunk(string text) => $$"""{"id":"c","choices":[{"index":0,"delta":{"content":"{{text}}"},"finish_reason":null}]}""";

    private static JsonElement? Put(params string[] events)
    {
        var whole = ChunksToCompletion.TryPut(Encoding.UTF8.GetBytes(": hello\n\n" + string.Concat(events.Select(data => $"data: {data}\r\n\r\n"))));
        return whole is null ? null : JsonElement.Parse(whole);
    }
}
