using System.Collections.Concurrent;
using LlmGateway.Model;
using LlmGateway.Tests.Database;
using LlmGateway.Usage;
using Microsoft.Extensions.Logging;

namespace LlmGateway.Tests.Usage;

public sealed class UsageWriterTests : IDisposable
{
    private readonly LedgerFile _file = new();
    private readonly ScriptedLedger _ledger = new();
    private readonly ListLogger _logger = new();

    private string Folder => System.IO.Path.Combine(System.IO.Path.GetDirectoryName(_file.Path)!, "journal");

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    public void Dispose() => _file.Dispose();

    [Fact]
    public async Task Stop_RecordsWaiting_WritesAllFirst()
    {
        // The gathering time would never end by this clock: stopping must cut it short.
        using var stage = new JournalStage(Folder, time: new FakeTime());
        using var writer = stage.Carrier(_ledger, _logger, new() { MaxBatch = 100, Gather = TimeSpan.FromDays(1) });
        await writer.StartAsync(Cancelled);
        for (var i = 0; i < 250; i++)
        {
            stage.Journal.Add(UsageFixture.Record());
        }

        await writer.StopAsync(Cancelled);

        Assert.Equal([100, 100, 50], _ledger.Batches);
        Assert.Contains("result=\"written\"} 250\n", Metrics.Of(stage.Metrics), StringComparison.Ordinal);
        Assert.Empty(Directory.GetFiles(Folder, "*.journal"));
    }

    [Fact]
    public async Task Run_LedgerDownForAWhile_CatchesUp()
    {
        using var stage = new JournalStage(Folder);
        using var writer = stage.Carrier(_ledger, _logger);
        await writer.StartAsync(Cancelled);
        _ledger.FailNext(5);
        stage.Journal.Add(UsageFixture.Record());
        await _ledger.FirstFailure.Task.WaitAsync(Cancelled);
        stage.Journal.Add(UsageFixture.Record());

        await _ledger.FirstWrite.Task.WaitAsync(Cancelled);
        await writer.StopAsync(Cancelled);

        Assert.Equal(2, _ledger.Written);
        Assert.Equal(0, stage.Lost.Count);
    }

    // What the last batch held used to be taken for written when stopping found nothing more to read: its file was deleted.
    [Theory]
    [InlineData(false, false)]
    [InlineData(true, false)]
    [InlineData(false, true)]
    [InlineData(true, true)]
    public async Task Stop_LedgerDown_LeavesTheRecordsToTheNextStart(bool addsMore, bool isBackAtOnce)
    {
        using (var stage = new JournalStage(Folder))
        {
            using var writer = stage.Carrier(_ledger, _logger);
            await writer.StartAsync(Cancelled);
            _ledger.FailNext(int.MaxValue);
            stage.Journal.Add(UsageFixture.Record());
            await _ledger.FirstFailure.Task.WaitAsync(Cancelled);
            if (addsMore)
            {
                stage.Journal.Add(UsageFixture.Record());
            }

            var stopping = writer.StopAsync(Cancelled);
            _ledger.FailNext(isBackAtOnce ? 0 : int.MaxValue);
            await stopping;
            Assert.Equal(0, stage.Lost.Count);
        }

        _ledger.FailNext(0);
        using var next = new JournalStage(Folder);
        using var again = next.Carrier(_ledger, _logger);
        await again.StartAsync(Cancelled);
        await _ledger.FirstWrite.Task.WaitAsync(Cancelled);
        await again.StopAsync(Cancelled);

        Assert.Equal(addsMore ? 2 : 1, _ledger.Written);
        Assert.All(_logger.Events, id => Assert.Equal(705, id));
    }

    // The host would have waited for as long as its streams may run: minutes.
    [Fact]
    public async Task Stop_LedgerAndJournalGone_GivesUpAfterAWhile()
    {
        var time = new FakeTime();
        using var stage = new JournalStage(Folder, time: time);
        using var writer = stage.Carrier(_ledger, _logger, new());
        _ledger.FailNext(int.MaxValue);
        await writer.StartAsync(Cancelled);
        Assert.True(stage.Memory.TryAdd(UsageFixture.Record()));

        var stop = writer.StopAsync(Cancelled);
        await _ledger.FirstFailure.Task.WaitAsync(Cancelled);
        time.Advance(new UsageWriterOptions().LastPatience - TimeSpan.FromMilliseconds(1));
        var waits = !stop.IsCompleted;
        time.Advance(TimeSpan.FromMilliseconds(1));
        await stop.WaitAsync(Cancelled);

        Assert.True(waits, "it gave up too early");
        Assert.Equal(1, stage.Lost.Count);
    }

    [Fact]
    public async Task Run_OneRecordTripsOverABug_TheOthersAreWritten()
    {
        using var stage = new JournalStage(Folder);
        var poison = UsageFixture.Record();
        _ledger.Poison = poison.Id;
        stage.Journal.Add(UsageFixture.Record());
        stage.Journal.Add(poison);
        stage.Journal.Add(UsageFixture.Record());

        using var writer = stage.Carrier(_ledger, _logger);
        await writer.StartAsync(Cancelled);
        await writer.StopAsync(Cancelled);

        Assert.Equal([1, 1], _ledger.Batches);
        Assert.Equal(1, stage.Lost.Count);
        Assert.Equal([704, 702], _logger.Events);
    }

    [Fact]
    public async Task Settle_RealDatabaseLocked_ReturnsAtOnceAndCatchesUp()
    {
        using var file = new LedgerFile();
        await using var database = TestDatabase.Sqlite(file.Path);
        await database.ExecuteAsync("SELECT 1");
        using var stage = new JournalStage(Folder);
        var (recorder, time) = (stage.Recorder(database), stage.Time);
        using var writer = stage.Carrier(new UsageLedger(database), _logger);
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

    private sealed class ListLogger : ILogger<UsageWriter>
    {
        public ConcurrentQueue<int> Events { get; } = new();

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) => Events.Enqueue(eventId.Id);
    }
}
