using System.Collections.Concurrent;
using LlmGateway.Database;
using LlmGateway.Model;
using LlmGateway.Telemetry;
using LlmGateway.Tests.Database;
using LlmGateway.Usage;
using Microsoft.Extensions.Logging;

namespace LlmGateway.Tests.Usage;

public sealed class UsageWriterTests
{
    private static readonly UsageWriterOptions Quick = new() { Gather = TimeSpan.FromMilliseconds(1), FirstRetry = TimeSpan.FromMilliseconds(1), MaxRetry = TimeSpan.FromMilliseconds(1) };

    private readonly GatewayMetrics _metrics = new();
    private readonly UsageQueue _queue = new();
    private readonly ScriptedLedger _ledger = new();
    private readonly ListLogger _logger = new();

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

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
    public async Task Run_LedgerDownForAWhile_CatchesUp()
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
        Assert.DoesNotContain("lost", Metrics.Of(_metrics), StringComparison.Ordinal);
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
        Assert.Equal(702, _logger.Events.Last());
    }

    [Fact]
    public async Task Settle_RealDatabaseLocked_ReturnsAtOnceAndCatchesUp()
    {
        using var file = new LedgerFile();
        await using var database = TestDatabase.Sqlite(file.Path);
        await database.ExecuteAsync("SELECT 1");
        var ledger = new UsageLedger(database);
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

        }

        await writer.StopAsync(Cancelled);

        Assert.Equal(500L, file.Scalar("SELECT count(*) FROM attempt_records"));
    }

    private UsageWriter Writer() => new(_queue, _ledger, _metrics, TimeProvider.System, _logger, Quick);

    private sealed class ScriptedLedger : IUsageLedger
    {
        private int _failures;

        public ConcurrentQueue<int> Batches { get; } = new();

        public TaskCompletionSource FirstFailure { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public TaskCompletionSource FirstWrite { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public void FailNext(int count) => _failures = count;

        public Task WriteAsync(IReadOnlyList<RequestRecord> batch, CancellationToken cancellationToken)
        {
            if (_failures > 0)
            {
                _failures--;
                FirstFailure.TrySetResult();
                return Task.FromException(new DatabaseUnavailableException("scripted"));
            }

            Batches.Enqueue(batch.Count);
            FirstWrite.TrySetResult();
            return Task.CompletedTask;
        }

        public Task<IReadOnlyList<RequestRecord>> LatestAsync(int limit, Guid? before, CancellationToken cancellationToken) => Task.FromResult<IReadOnlyList<RequestRecord>>([]);
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
