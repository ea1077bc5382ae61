using System.Diagnostics;
using LlmGateway.Limits;
using LlmGateway.Model;
using LlmGateway.Tests.Database;
using LlmGateway.Usage;
using LlmGateway.Usage.Journal;

namespace LlmGateway.Tests.Usage;

public sealed class JournalTests(ITestOutputHelper output) : IDisposable
{
    private readonly LedgerFile _file = new();

    private string Folder => System.IO.Path.Combine(System.IO.Path.GetDirectoryName(_file.Path)!, "journal");

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    public void Dispose() => _file.Dispose();

    [Fact]
    public void Append_Record_ReadsBackAsItWas()
    {
        using var stage = new JournalStage(Folder);
        RequestRecord[] records =
        [
            UsageFixture.Record(null, FailureReason.Timeout, FailureReason.None) with { UserId = "Zoë\n\"", Department = null, TimeToFirstToken = TimeSpan.FromMilliseconds(7) },
            UsageFixture.Record() with { Attempts = [], Provider = null, IsCached = true, SavedMicroUsd = long.MaxValue, CostMicroUsd = -1, RequestId = "" },
        ];
        Array.ForEach(records, stage.Journal.Add);

        var read = new List<RequestRecord>();
        using var tail = stage.Tail();
        tail.Fill(read, 100);

        Assert.Equal(records.Select(Flat), read.Select(Flat));
        Assert.Equal(records.SelectMany(record => record.Attempts), read.SelectMany(record => record.Attempts));
        Assert.Equal(0, tail.Damaged);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public async Task Append_ManyAtOnce_EachIsThereOnceAndNotesComeBeforeTheirEnd(int holdMilliseconds)
    {
        const int Requests = 5_000;
        using var stage = new JournalStage(Folder, segmentBytes: 64 * 1024, holdRecords: TimeSpan.FromMilliseconds(holdMilliseconds));
        await Parallel.ForAsync(0, Requests, Cancelled, async (i, _) =>
        {
            var record = UsageFixture.Record();
            await stage.Writer.AppendAsync(JournalStage.Call(record.Id));
            if (i % 10 != 0)
            {
                stage.Journal.Add(record);
            }
        });

        var read = new List<RequestRecord>();
        await Eventually(() =>
        {
            stage.Writer.Flush();
            using var tail = Peek();
            read.Clear();
            tail.Fill(read, int.MaxValue);
            return read.Count == Requests * 9 / 10;
        });

        Assert.Equal(read.Count, read.Select(record => record.Id).Distinct().Count());
        using var all = Peek();
        all.Fill([], int.MaxValue);
        all.Confirm();
        Assert.Equal(Requests / 10, all.TakeOpenCalls().Count);
        Assert.True(Directory.GetFiles(Folder, "*.journal").Length > 10);
    }

    [Fact]
    public async Task Append_RecordRightAfterAWrite_GoesWithTheNextOne()
    {
        var time = new FakeTime();
        using var stage = new JournalStage(Folder, time: time, holdRecords: TimeSpan.FromMilliseconds(1));
        await stage.Writer.AppendAsync(JournalStage.Call());
        var withNote = SizeOf(0);
        stage.Journal.Add(UsageFixture.Record());

        Assert.Equal(withNote, SizeOf(withNote));
        Assert.True(await stage.Writer.WaitForRecordsAsync(Cancelled));

        await stage.Writer.AppendAsync(JournalStage.Call());
        var withBoth = SizeOf(withNote + 1);
        stage.Journal.Add(UsageFixture.Record());
        stage.Writer.Flush();

        var flushed = SizeOf(withBoth + 1);
        time.Advance(TimeSpan.FromMilliseconds(1));
        stage.Journal.Add(UsageFixture.Record());

        Assert.True(SizeOf(flushed + 1) > flushed, "long after a write, a record is written at once");
        var read = new List<RequestRecord>();
        using var tail = stage.Tail();
        tail.Fill(read, 100);
        Assert.Equal(3, read.Count);

        long SizeOf(long least)
        {
            var size = Directory.GetFiles(Folder, "*.journal").Sum(file => new FileInfo(file).Length);
            Assert.True(size >= least, $"{size} bytes, not {least}");
            return size;
        }
    }

    [Fact]
    public async Task Carry_RecordIsHeldBack_ReachesTheLedger()
    {
        var time = new FakeTime();
        var ledger = new ScriptedLedger();
        using var stage = new JournalStage(Folder, time: time, holdRecords: TimeSpan.FromDays(1));
        using var carrier = stage.Carrier(ledger, options: new() { Gather = TimeSpan.FromMilliseconds(50) });
        await carrier.StartAsync(Cancelled);
        await stage.Writer.AppendAsync(JournalStage.Call());
        stage.Journal.Add(UsageFixture.Record());

        await Eventually(() =>
        {
            time.Advance(TimeSpan.FromMilliseconds(10));
            return ledger.Written == 1;
        });
        await carrier.StopAsync(Cancelled);
    }

    [Fact]
    public async Task Append_OneRequest_CostsMicroseconds()
    {
        const int Requests = 20_000;
        using var stage = new JournalStage(Folder, segmentBytes: 8 << 20);
        var (call, record) = (JournalStage.Call(), UsageFixture.Record());
        var bytes = GC.GetAllocatedBytesForCurrentThread();
        var start = Stopwatch.GetTimestamp();
        for (var i = 0; i < Requests; i++)
        {
            var noted = stage.Writer.AppendAsync(call);
            Assert.True(noted.IsCompletedSuccessfully, "alone, it waits for nobody");
            await noted;
            stage.Journal.Add(record);
        }

        var time = Stopwatch.GetElapsedTime(start) / Requests;
        output.WriteLine($"journal: {time.TotalMicroseconds:F1} µs and {(GC.GetAllocatedBytesForCurrentThread() - bytes) / Requests} bytes of memory for one request's note and record");
        Assert.InRange(time, TimeSpan.Zero, TimeSpan.FromMilliseconds(1));
    }

    [Fact]
    public async Task Adopt_LastEntryTornAnywhere_LosesNothingBeforeIt()
    {
        RequestRecord[] records = [UsageFixture.Record(), UsageFixture.Record(), UsageFixture.Record()];
        using (var dead = new JournalStage(Folder))
        {
            Array.ForEach(records, dead.Journal.Add);
        }

        var segment = Assert.Single(Directory.GetFiles(Folder, "*.journal"));
        var whole = await File.ReadAllBytesAsync(segment, Cancelled);
        var last = whole.Length / 3 * 2;
        for (var length = last; length < whole.Length; length++)
        {
            await File.WriteAllBytesAsync(segment, whole[..length], Cancelled);
            using var tail = Peek();
            var read = new List<RequestRecord>();
            tail.Fill(read, 100);
            Assert.Equal(records[..2].Select(record => record.Id), read.Select(record => record.Id));
            Assert.Equal(length - last, tail.Damaged);
        }
    }

    [Fact]
    public async Task Adopt_ByteChanged_IsNotTakenForARecord()
    {
        using (var dead = new JournalStage(Folder))
        {
            dead.Journal.Add(UsageFixture.Record());
        }

        var segment = Assert.Single(Directory.GetFiles(Folder, "*.journal"));
        var whole = await File.ReadAllBytesAsync(segment, Cancelled);
        for (var i = 0; i < whole.Length; i++)
        {
            var changed = whole.ToArray();
            changed[i] ^= 0x10;
            await File.WriteAllBytesAsync(segment, changed, Cancelled);
            using var tail = Peek();
            var read = new List<RequestRecord>();
            tail.Fill(read, 100);
            Assert.Empty(read);
            Assert.Equal(whole.Length, tail.Damaged);
        }
    }

    [Fact]
    public async Task Adopt_ProcessDied_EveryCallHasARecordOnce()
    {
        var ended = UsageFixture.Record();
        var cut = Guid.CreateVersion7();
        using (var dead = new JournalStage(Folder))
        {
            await dead.Writer.AppendAsync(JournalStage.Call(ended.Id));
            dead.Journal.Add(ended);
            await dead.Writer.AppendAsync(JournalStage.Call(cut));
            await dead.Writer.AppendAsync(JournalStage.Call(cut, index: 1) with { Provider = "second", CostMicroUsd = 50 });
        }

        await using var database = TestDatabase.Sqlite(_file.Path);
        var ledger = new UsageLedger(database);
        await AdoptAsync(ledger);

        var records = await ledger.LatestAsync(10, null, Cancelled);
        Assert.Equal(2, records.Count);
        Assert.Equal(200, Assert.Single(records, record => record.Id == ended.Id).Status);
        var interrupted = Assert.Single(records, record => record.Id == cut);
        Assert.Equal((0, "crm", "sales", "writer", "second", 300L, true), (interrupted.Status, interrupted.Key, interrupted.Department, interrupted.Agent, interrupted.Provider, interrupted.CostMicroUsd, interrupted.IsStreaming));
        Assert.Equal(new TokenUsage(200, 0, IsEstimated: true), interrupted.Usage);
        Assert.All(interrupted.Attempts, attempt => Assert.Equal((FailureReason.Interrupted, UsageSource.Estimated), (attempt.Outcome, attempt.Source)));
        Assert.Equal(["folder.lock"], Directory.GetFiles(Folder).Select(System.IO.Path.GetFileName));
    }

    [Fact]
    public async Task Adopt_TenThousandRequests_TakesSeconds()
    {
        const int Requests = 10_000;
        using (var dead = new JournalStage(Folder))
        {
            for (var i = 0; i < Requests; i++)
            {
                var record = UsageFixture.Record();
                await dead.Writer.AppendAsync(JournalStage.Call(record.Id));
                if (i % 2 == 0)
                {
                    dead.Journal.Add(record);
                }
            }
        }

        await using var database = TestDatabase.Sqlite(_file.Path);
        var start = Stopwatch.GetTimestamp();
        await AdoptAsync(new UsageLedger(database));
        var replayed = Stopwatch.GetElapsedTime(start);

        Assert.Equal(Requests, (long)_file.Scalar("SELECT count(*) FROM request_records")!);
        Assert.Equal(Requests / 2, (long)_file.Scalar("SELECT count(*) FROM attempt_records WHERE outcome = 'interrupted'")!);
        Assert.InRange(replayed, TimeSpan.Zero, TimeSpan.FromSeconds(5));
        output.WriteLine($"Q13: {Requests} rows replayed in {replayed.TotalSeconds:F2} s");
    }

    [Fact]
    public async Task Adopt_RecordsAreInTheDatabaseAlready_ChangesNothing()
    {
        var record = UsageFixture.Record(null, FailureReason.Timeout, FailureReason.None);
        using (var dead = new JournalStage(Folder))
        {
            // As if the file with the end had been deleted: the call looks open, but its record was written.
            await dead.Writer.AppendAsync(JournalStage.Call(record.Id, index: 5));
            await dead.Writer.AppendAsync(JournalStage.Call(record.Id, index: 6));
        }

        await using var database = TestDatabase.Sqlite(_file.Path);
        var ledger = new UsageLedger(database);
        await ledger.WriteAsync([record], Cancelled);

        await AdoptAsync(ledger);

        Assert.Equal(record.Attempts, Assert.Single(await ledger.LatestAsync(10, null, Cancelled)).Attempts);
        Assert.Equal(2L, _file.Scalar("SELECT count(*) FROM attempt_records"));
    }

    [Fact]
    public async Task Adopt_OwnerLives_LeavesItsFilesAlone()
    {
        using var living = new JournalStage(Folder);
        await living.Writer.AppendAsync(JournalStage.Call());

        Assert.Null(new JournalFolder(Folder).TakeOrphan());

        living.Dispose();
        using var orphan = new JournalFolder(Folder).TakeOrphan();
        Assert.Single(orphan!.OpenSegments());
    }

    [Fact]
    public async Task Carry_StreamStillOpen_KeepsTheFileWithItsNote()
    {
        using var stage = new JournalStage(Folder, segmentBytes: 4 * 1024);
        var ledger = new ScriptedLedger();
        var open = UsageFixture.Record();
        await stage.Writer.AppendAsync(JournalStage.Call(open.Id));
        using var carrier = stage.Carrier(ledger);
        await carrier.StartAsync(Cancelled);
        for (var i = 0; i < 200; i++)
        {
            stage.Journal.Add(UsageFixture.Record());
        }

        await Eventually(() => ledger.Written == 200 && Directory.GetFiles(Folder, "*.journal").Length == 2);
        using (var tail = Peek())
        {
            tail.Fill([], int.MaxValue);
            tail.Confirm();
            Assert.Equal(open.Id, Assert.Single(tail.TakeOpenCalls())[0].RecordId);
        }

        stage.Journal.Add(open);
        await carrier.StopAsync(Cancelled);
        Assert.Equal(201, ledger.Written);
        Assert.Empty(Directory.GetFiles(Folder, "*.journal"));
    }

    /// <summary>Nothing else happens that would wake the carrier: it must know by itself that there is another file.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Carry_FileBegunMeanwhile_IsNotLeftLying(bool isAdopting)
    {
        if (isAdopting)
        {
            using var dead = new JournalStage(Folder);
            dead.Journal.Add(UsageFixture.Record());
        }

        using var stage = new JournalStage(Folder, segmentBytes: 1);
        var ledger = new ScriptedLedger { DuringFirst = () => stage.Journal.Add(UsageFixture.Record()) };
        using var carrier = stage.Carrier(ledger);
        if (!isAdopting)
        {
            stage.Journal.Add(UsageFixture.Record());
        }

        await carrier.StartAsync(Cancelled);

        await Eventually(() => ledger.Written == 2);
        await carrier.StopAsync(Cancelled);
    }

    [Fact]
    public async Task Add_JournalFull_LosesLoudly()
    {
        using var stage = new JournalStage(Folder, mostBytes: 20_000, segmentBytes: 4_000);
        var ledger = new ScriptedLedger();
        while (!stage.Journal.IsFull)
        {
            await stage.Writer.AppendAsync(JournalStage.Call());
            stage.Journal.Add(UsageFixture.Record());
        }

        Assert.Contains("journal is full", stage.Journal.Problem, StringComparison.Ordinal);
        var before = stage.Lost.Count;
        stage.Journal.Add(UsageFixture.Record());
        Assert.Equal(before + 1, stage.Lost.Count);
        Assert.Contains($"llm_gateway_usage_records_total{{result=\"lost\"}} {before + 1}\n", Metrics.Of(stage.Metrics), StringComparison.Ordinal);

        // The notes of calls that never end keep their files: here they are all that is in them.
        using var carrier = stage.Carrier(ledger);
        await carrier.StartAsync(Cancelled);
        await Eventually(() => ledger.Written > 0);
        Assert.True(stage.Journal.IsFull);
        await carrier.StopAsync(Cancelled);
    }

    [Fact]
    public async Task Reserve_JournalFull_StopsHardBudgetsAlone()
    {
        using var stage = new JournalStage(Folder, mostBytes: 1);
        stage.Journal.Add(UsageFixture.Record());
        Assert.True(stage.Journal.IsFull);
        var budget = new CallBudget(null!, stage.Metrics, stage.Time, stage.Journal);
        var request = TestRequests.Chat();

        var hard = await budget.ReserveAsync(request with { Key = new() { Name = "crm", Sha256 = [], BudgetUsd = 5 } }, request.Profile.Target, AttemptRole.Answer, Cancelled);
        var free = await budget.ReserveAsync(request, request.Profile.Target, AttemptRole.Answer, Cancelled);

        Assert.Equal((503, "store_unavailable"), (hard.Refusal!.Status, hard.Refusal.Code));
        Assert.Null(free.Refusal);
    }

    [Fact]
    public async Task Add_JournalWasFullOfEndedRequests_IsEmptiedByTheDatabase()
    {
        using var stage = new JournalStage(Folder, mostBytes: 20_000, segmentBytes: 4_000);
        var ledger = new ScriptedLedger();
        while (!stage.Journal.IsFull)
        {
            stage.Journal.Add(UsageFixture.Record());
        }

        using var carrier = stage.Carrier(ledger);
        await carrier.StartAsync(Cancelled);

        await Eventually(() => !stage.Journal.IsFull);
        Assert.Null(stage.Journal.Problem);
        await carrier.StopAsync(Cancelled);
    }

    [Fact]
    public async Task Add_FolderCannotBeMade_GoesThroughMemoryAndThenIsLost()
    {
        Directory.CreateDirectory(System.IO.Path.GetDirectoryName(Folder)!);
        await File.WriteAllTextAsync(Folder, "in the way", Cancelled);
        using var stage = new JournalStage(Folder, memory: 2);
        await stage.Writer.AppendAsync(JournalStage.Call());
        for (var i = 0; i < 3; i++)
        {
            stage.Journal.Add(UsageFixture.Record());
        }

        Assert.Contains("cannot be written", stage.Journal.Problem, StringComparison.Ordinal);
        Assert.Equal(1, stage.Lost.Count);
        var ledger = new ScriptedLedger();
        using var carrier = stage.Carrier(ledger);
        await carrier.StartAsync(Cancelled);
        await Eventually(() => ledger.Written == 2);

        File.Delete(Folder);
        stage.Journal.Add(UsageFixture.Record());
        await Eventually(() => ledger.Written == 3);
        Assert.Null(stage.Journal.Problem);
        await carrier.StopAsync(Cancelled);
    }

    [Fact]
    public async Task Add_FolderWasRemoved_BeginsANewOne()
    {
        using var stage = new JournalStage(Folder, segmentBytes: 1_000);
        stage.Journal.Add(UsageFixture.Record());
        Directory.Delete(Folder, recursive: true);

        for (var i = 0; i < 10; i++)
        {
            stage.Journal.Add(UsageFixture.Record());
        }

        Assert.Null(stage.Journal.Problem);
        var ledger = new ScriptedLedger();
        using var carrier = stage.Carrier(ledger);
        await carrier.StartAsync(Cancelled);
        await carrier.StopAsync(Cancelled);
        Assert.Equal(11, ledger.Written);
    }

    private async Task AdoptAsync(UsageLedger ledger)
    {
        using var next = new JournalStage(Folder);
        using var carrier = next.Carrier(ledger);
        await carrier.StartAsync(Cancelled);
        await Eventually(() => Directory.GetFiles(Folder, "*.journal").Length == 0);
        await carrier.StopAsync(Cancelled);
    }

    /// <summary>All files in the folder, whoever owns them.</summary>
    private JournalTail Peek()
    {
        var tail = new JournalTail(keepsCalls: true, TimeProvider.System);
        foreach (var file in Directory.GetFiles(Folder, "*.journal").Order(StringComparer.Ordinal))
        {
            tail.Add(JournalSegment.Open(file));
        }

        return tail;
    }

    private static async Task Eventually(Func<bool> condition)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(5));
        for (var tries = 0; !condition(); tries++)
        {
            Assert.True(tries < 4_000, "waited in vain");
            await timer.WaitForNextTickAsync(Cancelled);
        }
    }

    private static RequestRecord Flat(RequestRecord record) => record with { Attempts = Array.Empty<AttemptRecord>() };
}
