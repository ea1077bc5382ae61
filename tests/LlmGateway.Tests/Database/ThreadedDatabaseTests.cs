using LlmGateway.Database;
using LlmGateway.Telemetry;
using LlmGateway.Tests.Usage;

namespace LlmGateway.Tests.Database;

public sealed class ThreadedDatabaseTests : IDisposable
{
    private const string First = "CREATE TABLE a (x INTEGER)";
    private const string Second = "ALTER TABLE a ADD COLUMN y INTEGER";

    private readonly LedgerFile _file = new();
    private readonly GatewayMetrics _metrics = new();

    public void Dispose() => _file.Dispose();

    [Fact]
    public async Task Open_SchemaGrew_RunsOnlyWhatIsNew()
    {
        await using (var before = TestDatabase.Sqlite(_file.Path, schemas: new Schema("part", First)))
        {
            await before.ExecuteAsync("INSERT INTO a (x) VALUES (1)");
        }

        await using var after = TestDatabase.Sqlite(_file.Path, schemas: [new Schema("part", First, Second), new Schema("other", "CREATE TABLE b (x INTEGER)")]);
        await after.ExecuteAsync("UPDATE a SET y = 2");

        Assert.Equal(3L, _file.Scalar("SELECT x + y FROM a"));
        Assert.Equal("other 1,part 2", _file.Scalar("SELECT group_concat(component || ' ' || version) FROM (SELECT * FROM schema_versions ORDER BY component)"));
    }

    [Fact]
    public async Task Open_SchemaFailsInTheMiddle_HasNotHappenedAndCanBeDoneAgain()
    {
        await using (var broken = TestDatabase.Sqlite(_file.Path, schemas: new Schema("part", First, "no SQL")))
        {
            await Assert.ThrowsAsync<DatabaseUnavailableException>(() => broken.ExecuteAsync("SELECT 1"));
        }

        Assert.Equal(0L, _file.Scalar("SELECT count(*) FROM sqlite_master"));
        await using var mended = TestDatabase.Sqlite(_file.Path, schemas: new Schema("part", First, Second));
        await mended.ExecuteAsync("INSERT INTO a (x, y) VALUES (1, 2)");
    }

    [Fact]
    public async Task Open_NewerSchema_IsRefusedAndSaysSo()
    {
        await using (var newer = TestDatabase.Sqlite(_file.Path, schemas: new Schema("part", First, Second)))
        {
            await newer.ExecuteAsync("SELECT 1");
        }

        var health = TestDatabase.Health(_metrics);
        await using var older = TestDatabase.Sqlite(_file.Path, health: health, schemas: new Schema("part", First));

        var exception = await Assert.ThrowsAsync<DatabaseSchemaException>(() => older.ExecuteAsync("SELECT 1"));

        Assert.Contains("part: 2, this version knows 1", exception.Message, StringComparison.Ordinal);
        Assert.Contains("newer version", health.Problem, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Open_ManyAtOnce_OneMakesTheTables()
    {
        var databases = Enumerable.Range(0, 4).Select(_ => TestDatabase.Sqlite(_file.Path, schemas: new Schema("part", First))).ToArray();

        await Task.WhenAll(databases.Select(database => database.ExecuteAsync("INSERT INTO a (x) VALUES (1)")));

        Assert.Equal(4L, _file.Scalar("SELECT count(*) FROM a"));
        foreach (var database in databases)
        {
            await database.DisposeAsync();
        }
    }

    [Fact]
    public async Task Run_FolderCannotBeMade_IsDownUntilItCan()
    {
        var blocked = System.IO.Path.GetDirectoryName(_file.Path)!;
        await File.WriteAllTextAsync(blocked, "a file where the folder should be", TestContext.Current.CancellationToken);
        var time = new FakeTime();
        var health = TestDatabase.Health(_metrics);
        await using var database = TestDatabase.Sqlite(_file.Path, time, health);

        await Assert.ThrowsAsync<DatabaseUnavailableException>(() => database.ExecuteAsync("SELECT 1"));
        Assert.False(database.IsUp);
        Assert.Contains("store_up{store=\"database\"} 0", Metrics.Of(_metrics), StringComparison.Ordinal);

        // Right after a failure nobody tries again.
        File.Delete(blocked);
        await Assert.ThrowsAsync<DatabaseUnavailableException>(() => database.ExecuteAsync("SELECT 1"));
        time.Advance(TimeSpan.FromSeconds(1));
        await database.ExecuteAsync("SELECT 1");
        Assert.True(database.IsUp);
        Assert.Null(health.Problem);
        Assert.Contains("store_up{store=\"database\"} 1", Metrics.Of(_metrics), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Run_BugInTheWork_IsTheCallersAndNotTheDatabases()
    {
        await using var database = TestDatabase.Sqlite(_file.Path);
        await database.ExecuteAsync("SELECT 1");

        await Assert.ThrowsAsync<KeyNotFoundException>(() => database.RunAsync<int>(_ => throw new KeyNotFoundException(), TestContext.Current.CancellationToken));

        Assert.True(database.IsUp);
    }

    private sealed class Schema(string name, params string[] scripts) : IDatabaseSchema
    {
        public string Name => name;

        public IReadOnlyList<string> Scripts(DatabaseKind kind) => scripts;
    }
}
