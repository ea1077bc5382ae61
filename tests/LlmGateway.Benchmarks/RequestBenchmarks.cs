using System.Text.Json;
using BenchmarkDotNet.Attributes;
using LlmGateway.Api;
using LlmGateway.Model;
using LlmGateway.Providers;

namespace LlmGateway.Benchmarks;

/// <summary>What one request costs before it is sent, against parsing it once into a document.</summary>
[MemoryDiagnoser]
public class RequestBenchmarks
{
    private byte[] _body = [];
    private GatewayRequest _request = null!;
    private ProviderTarget _target = null!;

    [Params("small", "64k")]
    public string Body { get; set; } = "small";

    [GlobalSetup]
    public void Setup()
    {
        _body = Body == "small" ? BenchmarkRequests.Small : BenchmarkRequests.Large;
        _request = BenchmarkRequests.Of(_body, "openai");
        _target = _request.Profile.Target;
    }

    [Benchmark(Baseline = true)]
    public bool ParseDocument()
    {
        using var document = JsonDocument.Parse(_body);
        return document.RootElement.TryGetProperty("model", out _);
    }

    [Benchmark]
    public ScannedRequest? Scan() => RequestScanner.ScanChat(_body).Request;

    [Benchmark]
    public int Splice() => OpenAiBody.Write(_request, _target, TargetHabits.None).Length;
}
