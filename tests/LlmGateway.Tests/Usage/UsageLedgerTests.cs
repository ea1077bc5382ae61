using LlmGateway.Database;
using LlmGateway.Model;
using LlmGateway.Tests.Database;
using LlmGateway.Usage;

namespace LlmGateway.Tests.Usage;

public sealed class UsageLedgerTests : IAsyncDisposable
{
    private readonly LedgerFile _file = new();
    private ThreadedDatabase _database;
    private UsageLedger _ledger;

    public UsageLedgerTests() => Open();

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    public async ValueTask DisposeAsync()
    {
        await _database.DisposeAsync();
        _file.Dispose();
    }

    [Fact]
    public async Task Write_Batch_ReadsBackAsItWas()
    {
        RequestRecord[] batch =
        [
            UsageFixture.Record() with { UserId = null, Department = null, TimeToFirstToken = TimeSpan.FromMilliseconds(7) },
            UsageFixture.Record(null, FailureReason.Timeout, FailureReason.ServerError, FailureReason.None),
            UsageFixture.Record(null, FailureReason.Connection) with { Status = 502, UserId = "Zoë'; DROP TABLE request_records; --" },
            UsageFixture.Record() with { Attempts = [], IsCached = true, SavedMicroUsd = 12 },
        ];

        await _ledger.WriteAsync(batch, Cancelled);
        var read = await _ledger.LatestAsync(10, null, Cancelled);

        Assert.Equal(batch.OrderByDescending(record => record.Id.ToString()).Select(Flat), read.Select(Flat));
        Assert.Equal(batch.OrderByDescending(record => record.Id.ToString()).SelectMany(record => record.Attempts), read.SelectMany(record => record.Attempts));
    }

    [Fact]
    public async Task Write_SameBatchAgainAfterRestart_ChangesNothing()
    {
        RequestRecord[] batch = [UsageFixture.Record(), UsageFixture.Record(null, FailureReason.Timeout, FailureReason.None)];
        await _ledger.WriteAsync(batch, Cancelled);
        await _database.DisposeAsync();
        Open();

        await _ledger.WriteAsync(batch, Cancelled);

        Assert.Equal(2, (await _ledger.LatestAsync(10, null, Cancelled)).Count);
        Assert.Equal(3L, _file.Scalar("SELECT count(*) FROM attempt_records"));
        Assert.Equal("wal", _file.Scalar("PRAGMA journal_mode"));
    }

    [Fact]
    public async Task Latest_Before_PagesByIdNewestFirst()
    {
        var start = DateTimeOffset.UnixEpoch;
        var ids = Enumerable.Range(0, 5).Select(i => Guid.CreateVersion7(start.AddSeconds(i))).ToArray();
        await _ledger.WriteAsync([.. ids.Select(id => UsageFixture.Record(id))], Cancelled);

        var first = await _ledger.LatestAsync(2, null, Cancelled);
        var second = await _ledger.LatestAsync(2, first[^1].Id, Cancelled);

        Assert.Equal([ids[4], ids[3]], first.Select(record => record.Id));
        Assert.Equal([ids[2], ids[1]], second.Select(record => record.Id));
    }

    [Fact]
    public async Task Prepare_NewerSchema_IsRefused()
    {
        await _database.ExecuteAsync("SELECT 1");
        await _database.DisposeAsync();
        _file.Scalar("UPDATE schema_versions SET version = 99 WHERE component = 'usage'; SELECT 1");
        Open();

        var exception = await Assert.ThrowsAsync<DatabaseSchemaException>(() => _database.ExecuteAsync("SELECT 1"));

        Assert.Contains("99", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Write_AnotherProcessHoldsTheLock_FailsThenWorks()
    {
        await _database.ExecuteAsync("SELECT 1");
        using (_file.Lock())
        {
            await Assert.ThrowsAsync<DatabaseUnavailableException>(() => _ledger.WriteAsync([UsageFixture.Record()], Cancelled));
        }

        await _ledger.WriteAsync([UsageFixture.Record()], Cancelled);

        Assert.Single(await _ledger.LatestAsync(10, null, Cancelled));
    }

    [Fact]
    public async Task Write_DatabaseFull_WritesNothingOfTheBatchAndRecovers()
    {
        await _ledger.WriteAsync([UsageFixture.Record()], Cancelled);
        var records = Enumerable.Range(0, 2_000).Select(_ => UsageFixture.Record()).ToArray();
        await _database.ExecuteAsync("PRAGMA max_page_count = 20");

        await Assert.ThrowsAsync<DatabaseUnavailableException>(() => _ledger.WriteAsync(records, Cancelled));
        Assert.Equal(1L, _file.Scalar("SELECT count(*) FROM request_records"));

        await _ledger.WriteAsync(records, Cancelled);
        Assert.Equal(2_001L, _file.Scalar("SELECT count(*) FROM request_records"));
    }

    [Fact]
    public async Task Write_FileWasRemoved_MakesItAnew()
    {
        await _database.ExecuteAsync("SELECT 1");
        Directory.Delete(System.IO.Path.GetDirectoryName(_file.Path)!, recursive: true);

        await _ledger.WriteAsync([UsageFixture.Record()], Cancelled);

        Assert.Equal(1L, _file.Scalar("SELECT count(*) FROM request_records"));
    }

    [Fact]
    public async Task Write_Records_HoldNoSecret()
    {
        await _ledger.WriteAsync([UsageFixture.Record(null, FailureReason.Auth, FailureReason.None)], Cancelled);
        await _database.DisposeAsync();

        foreach (var file in Directory.GetFiles(System.IO.Path.GetDirectoryName(_file.Path)!))
        {
            Assert.DoesNotContain(UsageFixture.Secret, await File.ReadAllTextAsync(file, Cancelled), StringComparison.Ordinal);
        }
    }

    /// <summary>Lists compare by reference inside records, so they are compared apart.</summary>
    private static RequestRecord Flat(RequestRecord record) => record with { Attempts = Array.Empty<AttemptRecord>() };

    [System.Diagnostics.CodeAnalysis.MemberNotNull(nameof(_database), nameof(_ledger))]
    private void Open()
    {
        _database = TestDatabase.Sqlite(_file.Path);
        _ledger = new(_database);
    }
}
