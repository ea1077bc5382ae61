using System.Buffers;
using System.Text;
using BenchmarkDotNet.Attributes;
using LlmGateway.Model;
using LlmGateway.Providers;
using LlmGateway.Providers.Wire;

namespace LlmGateway.Benchmarks;

/// <summary>What one streamed event costs: passed through (the baseline), with usage cut out of it, and translated. Every event tells the same token, in the form that its provider gives it.</summary>
[MemoryDiagnoser]
public class StreamBenchmarks
{
    private const int Events = 100;

    private static readonly byte[] OpenAi = Stream("""data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1700000000,"model":"m","choices":[{"index":0,"delta":{"content":"token "},"logprobs":null,"finish_reason":null}]}""" + "\n\n");

    private static readonly byte[] OpenAiWithUsage = Stream("""data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1700000000,"model":"m","choices":[{"index":0,"delta":{"content":"token "},"logprobs":null,"finish_reason":null}],"usage":null}""" + "\n\n");

    private static readonly byte[] Ollama = Stream("""{"model":"m","created_at":"2026-01-01T00:00:00.000000Z","message":{"role":"assistant","content":"token "},"done":false}""" + "\n");

    private static readonly byte[] Anthropic = Stream("event: content_block_delta\n" + """data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"token "}}""" + "\n\n");

    private static readonly byte[] Gemini = Stream("""data: {"candidates":[{"content":{"parts":[{"text":"token "}],"role":"model"},"index":0}],"usageMetadata":{"promptTokenCount":9,"totalTokenCount":9,"promptTokensDetails":[{"modality":"TEXT","tokenCount":9}]},"modelVersion":"m","responseId":"r-1"}""" + "\r\n\r\n");

    private readonly ArrayBufferWriter<byte> _output = new(64 * 1024);
    private readonly OpenAiDialect _openAi = new();
    private readonly OllamaDialect _ollama = new(TimeProvider.System);
    private readonly AnthropicDialect _anthropic = new(TimeProvider.System, new ToolCallStates(TimeProvider.System));
    private readonly GeminiDialect _gemini = new(TimeProvider.System, new ToolCallStates(TimeProvider.System));
    private readonly GatewayRequest _openAiRequest = BenchmarkRequests.Of(BenchmarkRequests.Small, "openai");
    private readonly GatewayRequest _ollamaRequest = BenchmarkRequests.Of(BenchmarkRequests.Small, "ollama");
    private readonly GatewayRequest _anthropicRequest = BenchmarkRequests.Of(BenchmarkRequests.Small, "anthropic");
    private readonly GatewayRequest _geminiRequest = BenchmarkRequests.Of(BenchmarkRequests.Small, "gemini");

    [Benchmark(Baseline = true, OperationsPerInvoke = Events)]
    public int PassThrough() => Run(_openAi.CreateStreamTranslator(_openAiRequest, _openAiRequest.Profile.Target), OpenAi);

    [Benchmark(OperationsPerInvoke = Events)]
    public int CutUsageOut() => Run(_openAi.CreateStreamTranslator(_openAiRequest, _openAiRequest.Profile.Target), OpenAiWithUsage);

    [Benchmark(OperationsPerInvoke = Events)]
    public int TranslateOllama() => Run(_ollama.CreateStreamTranslator(_ollamaRequest, _ollamaRequest.Profile.Target), Ollama);

    [Benchmark(OperationsPerInvoke = Events)]
    public int TranslateAnthropic() => Run(_anthropic.CreateStreamTranslator(_anthropicRequest, _anthropicRequest.Profile.Target), Anthropic);

    [Benchmark(OperationsPerInvoke = Events)]
    public int TranslateGemini() => Run(_gemini.CreateStreamTranslator(_geminiRequest, _geminiRequest.Profile.Target), Gemini);

    private static byte[] Stream(string wireEvent) => Encoding.UTF8.GetBytes(string.Concat(Enumerable.Repeat(wireEvent, Events)));

    private int Run(StreamTranslator translator, ReadOnlySpan<byte> stream)
    {
        _output.ResetWrittenCount();
        var framer = WireFramer.For(translator.Framing);
        while (framer.TryRead(stream, isFinal: false, out var wireEvent, out var consumed))
        {
            translator.OnEvent(wireEvent, _output);
            stream = stream[consumed..];
        }

        return _output.WrittenCount;
    }
}
