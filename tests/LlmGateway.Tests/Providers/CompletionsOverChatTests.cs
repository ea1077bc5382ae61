using System.Buffers;
using System.Text;
using LlmGateway.Api;
using LlmGateway.Model;
using LlmGateway.Providers;
using LlmGateway.Providers.Wire;

namespace LlmGateway.Tests.Providers;

public sealed class CompletionsOverChatTests
{
    [Theory]
    [InlineData("""{"prompt":"Hé\"y\u00e9"}""")]
    [InlineData("""{"model":"m","prompt":["x"],"stream":true,"stream_options":{"include_usage":true},"temperature":0.50}""")]
    [InlineData("""{"stream_options":{"include_usage":false},"stream":true,"prompt":"x","messages":[],"max_tokens":null,"n":1,"best_of":1,"suffix":""}""")]
    [InlineData("""{"prompt":"x","model":"m","max_tokens":3,"stop":["a"],"seed":1,"x_new":{"a":[1.50]}}""")]
    public void Derive_SaysOfItsBodyWhatTheScannerWould(string body)
    {
        var request = Completion(body);

        Assert.Null(CompletionAsChat.WhyNot(request));
        var chat = CompletionAsChat.Derive(request, TestRequests.Target());

        var (scan, error) = RequestScanner.ScanChat(chat.Body.Span);
        Assert.Null(error);
        Assert.Equal(Operation.ChatCompletions, chat.Operation);
        Assert.Equal((scan!.MessagesValue, scan.LastUserContent, scan.ModelValue), (chat.Scan.MessagesValue, chat.Scan.LastUserContent, chat.Scan.ModelValue));
        Assert.Equal((scan.StreamOptionsStart, scan.StreamOptionsValue, scan.IncludeUsage, scan.IsStreaming), (chat.Scan.StreamOptionsStart, chat.Scan.StreamOptionsValue, chat.Scan.IncludeUsage, chat.Scan.IsStreaming));
        Assert.Equal(scan.Fields, chat.Scan.Fields);
        Assert.True(chat.Scan.Has(RequestFields.MaxTokens));
    }

    [Fact]
    public void Derive_ProfileWithALimit_LeavesTheLimitToIt()
    {
        var target = TestRequests.Target() with { Sampling = new SamplingDefaults { MaxTokens = "99" } };

        var chat = CompletionAsChat.Derive(Completion("""{"prompt":"x"}"""), target);

        Assert.False(chat.Scan.Has(RequestFields.MaxTokens));
    }

    [Theory]
    [InlineData("""{"choices":[{"index":0,"delta":{"content":"\ud83d"},"finish_reason":null}]}""", """{"id":"","object":"text_completion","choices":[{"text":"\ud83d","index":0,"logprobs":null,"finish_reason":null}]}""")]
    [InlineData("""{"choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}]}""", null)]
    [InlineData("""{"choices":[{"index":0,"delta":{"reasoning_content":"hm"},"finish_reason":null}]}""", null)]
    [InlineData("""{"id":"chatcmpl-7","created":1,"model":"m","choices":[{"index":1,"delta":{},"finish_reason":"length"}]}""", """{"id":"cmpl-7","object":"text_completion","created":1,"model":"m","choices":[{"text":"","index":1,"logprobs":null,"finish_reason":"length"}]}""")]
    public void TryWriteChunk_ChatChunk_BecomesTextOrNothing(string chunk, string? expected)
    {
        var output = new ArrayBufferWriter<byte>();
        var data = Encoding.UTF8.GetBytes(chunk);

        Assert.True(TextCompletion.TryWriteChunk(new WireEvent(data, data), output));

        Assert.Equal(expected is null ? "" : $"data: {expected}\n\n", Encoding.UTF8.GetString(output.WrittenSpan));
    }

    [Fact]
    public void DialectSet_ChatDialect_IsLentCompletionsAndNothingElse()
    {
        var dialects = new DialectSet([new OllamaDialect(TimeProvider.System), new OpenAiDialect()]);

        Assert.True(dialects["ollama"].Supports(Operation.Completions));
        Assert.False(dialects["ollama"].Supports(Operation.Passthrough));
        Assert.IsType<OpenAiDialect>(dialects["openai"]);
    }

    private static GatewayRequest Completion(string body)
    {
        var bytes = Encoding.UTF8.GetBytes(body);
        var (scan, error) = RequestScanner.Scan(Operation.Completions, bytes);
        Assert.Null(error);
        return TestRequests.Chat() with { Operation = Operation.Completions, Body = bytes, Scan = scan! };
    }
}
