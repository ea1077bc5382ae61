using System.Collections.Concurrent;
using LlmGateway.Model;
using LlmGateway.Telemetry;
using LlmGateway.Usage;
using Microsoft.Extensions.Logging;

namespace LlmGateway.Tests.Usage;

public sealed class UsageWriterTests : IAsyncDisposable
{
    private static readonly UsageWriterOptions Quick = new() { Gather = TimeSpan.FromMilliseconds(1), FirstRetry = TimeSpan.FromMilliseconds(1), MaxRetry = TimeSpan.FromMilliseconds(1) };

    private readonly GatewayMetrics _metrics = new();
    private readonly UsageQueue _queue = new();
    private readonly ScriptedLedger _ledger = new();
    private readonly ListLogger _logger = new();

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    public ValueTask DisposeAsync() => _ledger.DisposeAsync();

    [Fact]
    public async Task Stop_RecordsQueued_WritesAllFirst()
    {
        // The gathering time would never end by this clock: stopping must cut it short.
        using var writer = new UsageWriter(_queue, _ledger, _metrics, new FakeTime(), _logger, new() { MaxBatch = 100, Gather = TimeSpan.FromDays(1) });
        await writer.StartAsync(Cancelled);
        for (var i = 0; i < 250; i++)
        {
            _queue.TryAdd(UsageFixture.Record());
        }

        await writer.StopAsync(Cancelled);

        Assert.Equal([100, 100, 50], _ledger.Batches);
        Assert.Contains("result=\"written\"} 250\n", Metrics.Of(_metrics), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Run_LedgerDownForAWhile_CatchesUpAndSaysSoOncePerChange()
    {
        using var writer = Writer();
        await writer.StartAsync(Cancelled);
        _ledger.FailNext(5);
        _queue.TryAdd(UsageFixture.Record());
        await _ledger.FirstFailure.Task.WaitAsync(Cancelled);
        _queue.TryAdd(UsageFixture.Record());

        await _ledger.FirstWrite.Task.WaitAsync(Cancelled);
        await writer.StopAsync(Cancelled);

        Assert.Equal(2, _ledger.Batches.Sum());
        Assert.Equal([700, 701], _logger.Events);
        var text = Metrics.Of(_metrics);
        Assert.Contains("llm_gateway_store_up{store=\"database\"} 1\n", text, StringComparison.Ordinal);
        Assert.DoesNotContain("lost", text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Stop_LedgerDownAndPatienceEnds_CountsLost()
    {
        using var writer = Writer();
        using var patience = new CancellationTokenSource();
        await writer.StartAsync(Cancelled);
        _ledger.FailNext(int.MaxValue);
        _queue.TryAdd(UsageFixture.Record());
        await _ledger.FirstFailure.Task.WaitAsync(Cancelled);

        var stop = writer.StopAsync(patience.Token);
        await patience.CancelAsync();
        await stop;

        var text = Metrics.Of(_metrics);
        Assert.Contains("llm_gateway_usage_records_total{result=\"lost\"} 1\n", text, StringComparison.Ordinal);
        Assert.Contains("llm_gateway_store_up{store=\"database\"} 0\n", text, StringComparison.Ordinal);
        Assert.Equal(702, _logger.Events.Last());
    }

    [Fact]
    public async Task Start_NewerSchema_FailsTheStart()
    {
        _ledger.OnPrepare = new LedgerSchemaException("newer");
        using var writer = Writer();

        await Assert.ThrowsAsync<LedgerSchemaException>(() => writer.StartAsync(Cancelled));
    }

    [Fact]
    public async Task Settle_RealDatabaseLocked_ReturnsAtOnceAndCatchesUp()
    {
        using var file = new LedgerFile();
        await using var ledger = new SqliteUsageLedger(file.Path);
        var time = TimeProvider.System;
        var recorder = new UsageRecorder(_queue, _metrics, time);
        using var writer = new UsageWriter(_queue, ledger, _metrics, time, _logger, Quick);
        await writer.StartAsync(Cancelled);
        using (file.Lock())
        {
            // Nothing here is asynchronous: were Settle to wait for the database, this would never get to release the lock.
            for (var i = 0; i < 500; i++)
            {
                var tally = new RequestTally("r", Guid.CreateVersion7(), time.GetTimestamp());
                tally.Begin(UsageFixture.Target("a"), AttemptRole.Answer, time.GetTimestamp()).End(FailureReason.None, new(1, 1), time.GetTimestamp());
                recorder.Settle(UsageFixture.Settled(tally));
            }

            await _logger.First.Task.WaitAsync(Cancelled);
        }

        await writer.StopAsync(Cancelled);

        Assert.Equal(500L, file.Scalar("SELECT count(*) FROM attempt_records"));
        Assert.Equal([700, 701], _logger.Events);
    }

    private UsageWriter Writer() => new(_queue, _ledger, _metrics, TimeProvider.System, _logger, Quick);

    private sealed class ScriptedLedger : IUsageLedger
    {
        private int _failures;

        public ConcurrentQueue<int> Batches { get; } = new();

        public Exception? OnPrepare { get; set; }

        public TaskCompletionSource FirstFailure { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public TaskCompletionSource FirstWrite { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public void FailNext(int count) => _failures = count;

        public Task PrepareAsync(CancellationToken cancellationToken) => OnPrepare is { } exception ? Task.FromException(exception) : Task.CompletedTask;

        public Task WriteAsync(IReadOnlyList<RequestRecord> batch, CancellationToken cancellationToken)
        {
            if (_failures > 0)
            {
                _failures--;
                FirstFailure.TrySetResult();
                return Task.FromException(new LedgerUnavailableException("scripted"));
            }

            Batches.Enqueue(batch.Count);
            FirstWrite.TrySetResult();
            return Task.CompletedTask;
        }

        public Task<IReadOnlyList<RequestRecord>> LatestAsync(int limit, Guid? before, CancellationToken cancellationToken) => Task.FromResult<IReadOnlyList<RequestRecord>>([]);

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }

    private sealed class ListLogger : ILogger<UsageWriter>
    {
        public ConcurrentQueue<int> Events { get; } = new();

        public TaskCompletionSource First { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            Events.Enqueue(eventId.Id);
            First.TrySetResult();
        }
    }
}
