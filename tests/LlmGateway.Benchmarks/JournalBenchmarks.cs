using BenchmarkDotNet.Attributes;
using LlmGateway.Model;
using LlmGateway.Telemetry;
using LlmGateway.Usage;
using LlmGateway.Usage.Journal;
using Microsoft.Extensions.Logging.Abstractions;

namespace LlmGateway.Benchmarks;

/// <summary>What the journal adds to one request: the note before the call and the record after it, against a bare write of as many bytes.</summary>
[MemoryDiagnoser]
public class JournalBenchmarks : IDisposable
{
    private readonly byte[] _bytes = new byte[400];
    private readonly string _folder = Directory.CreateTempSubdirectory("llmgateway-bench-").FullName;
    private GatewayRequest _request = null!;
    private AttemptTally _call = null!;
    private RequestRecord _record = null!;
    private JournalWriter _writer = null!;
    private UsageJournal _journal = null!;
    private FileStream _file = null!;

    [GlobalSetup]
    public void Setup()
    {
        var options = new JournalOptions { Folder = Path.Combine(_folder, "journal"), MostBytes = long.MaxValue, SegmentBytes = 1 << 30 };
        _writer = new(options, new(options.Folder), new(), new(new GatewayMetrics()), TimeProvider.System, NullLogger<JournalWriter>.Instance);
        _journal = new(_writer, TimeProvider.System);
        _file = new(Path.Combine(_folder, "bare"), FileMode.Create, FileAccess.Write, FileShare.Read, bufferSize: 0);
        _request = BenchmarkRequests.Of(BenchmarkRequests.Small, "openai");
        _call = _request.Tally.Begin(_request.Profile.Target, AttemptRole.Answer, 0);
        _call.End(FailureReason.None, new TokenUsage(100, 20), 1);
        _record = RequestAccount.Close(
            new SettledRequest
            {
                Tally = _request.Tally,
                Key = _request.Key,
                Agent = "bench",
                Strategy = "single",
                Endpoint = "/v1/chat/completions",
                Status = 200,
                Time = DateTimeOffset.UnixEpoch,
                Duration = TimeSpan.FromSeconds(1),
            },
            _call,
            TimeProvider.System);
    }

    [GlobalCleanup]
    public void Dispose()
    {
        _file?.Dispose();
        _writer?.Dispose();
        if (Directory.Exists(_folder))
        {
            Directory.Delete(_folder, recursive: true);
        }
    }

    [Benchmark(Baseline = true)]
    public void BareWrite() => _file.Write(_bytes);

    [Benchmark]
    public ValueTask Note() => _journal.DispatchingAsync(_request, _call);

    [Benchmark]
    public void Record() => _journal.Add(_record);
}
