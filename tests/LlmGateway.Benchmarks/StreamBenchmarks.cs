using System.Buffers;
using System.Text;
using BenchmarkDotNet.Attributes;
using LlmGateway.Model;
using LlmGateway.Providers;
using LlmGateway.Providers.Wire;

namespace LlmGateway.Benchmarks;

/// <summary>What one streamed event costs: passed through (the baseline), with usage cut out of it, and translated from Ollama.</summary>
[MemoryDiagnoser]
public class StreamBenchmarks
{
    private const int Events = 100;

    private static readonly byte[] OpenAi = Stream("""data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1700000000,"model":"m","choices":[{"index":0,"delta":{"content":"token "},"logprobs":null,"finish_reason":null}]}""" + "\n\n");

    private static readonly byte[] OpenAiWithUsage = Stream("""data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1700000000,"model":"m","choices":[{"index":0,"delta":{"content":"token "},"logprobs":null,"finish_reason":null}],"usage":null}""" + "\n\n");

    private static readonly byte[] Ollama = Stream("""{"model":"m","created_at":"2026-01-01T00:00:00.000000Z","message":{"role":"assistant","content":"token "},"done":false}""" + "\n");

    private readonly ArrayBufferWriter<byte> _output = new(64 * 1024);
    private readonly OpenAiDialect _openAi = new();
    private readonly OllamaDialect _ollama = new(TimeProvider.System);
    private readonly GatewayRequest _openAiRequest = BenchmarkRequests.Of(BenchmarkRequests.Small, "openai");
    private readonly GatewayRequest _ollamaRequest = BenchmarkRequests.Of(BenchmarkRequests.Small, "ollama");

    [Benchmark(Baseline = true, OperationsPerInvoke = Events)]
    public int PassThrough() => Run(_openAi.CreateStreamTranslator(_openAiRequest, _openAiRequest.Profile.Target), OpenAi);

    [Benchmark(OperationsPerInvoke = Events)]
    public int CutUsageOut() => Run(_openAi.CreateStreamTranslator(_openAiRequest, _openAiRequest.Profile.Target), OpenAiWithUsage);

    [Benchmark(OperationsPerInvoke = Events)]
    public int TranslateOllama() => Run(_ollama.CreateStreamTranslator(_ollamaRequest, _ollamaRequest.Profile.Target), Ollama);

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
