using Microsoft.Data.Sqlite;

namespace LlmGateway.Usage;

/// <summary>
/// The ledger in one SQLite file: WAL mode, every transaction on disk before it counts as written. All its work is done on one thread of
/// its own. After any failure but a lock the connection is made anew, so that a file that comes back is found.
/// </summary>
internal sealed class SqliteUsageLedger : IUsageLedger
{
    private const int Busy = 5;
    private const int Locked = 6;

    /// <summary>Seconds that one try waits for another process' lock; the writer then tries again.</summary>
    private const int BusySeconds = 1;

    private readonly string _path;
    private readonly LedgerThread _thread = new("usage-ledger");
    private bool _isDisposed;

    /// <summary>Only the ledger's thread uses these.</summary>
    private SqliteConnection? _connection;
    private SqliteUsageWriter? _writer;

    static SqliteUsageLedger() => SQLitePCL.Batteries_V2.Init();

    /// <param name="path">Full path of the file; its folder is made.</param>
    public SqliteUsageLedger(string path) => _path = path;

    public Task PrepareAsync(CancellationToken cancellationToken) => RunAsync(() => Open() is not null, cancellationToken);

    public Task WriteAsync(IReadOnlyList<RequestRecord> batch, CancellationToken cancellationToken) => RunAsync(
        () =>
        {
            Open();
            (_writer ??= new(_connection!)).Write(batch);
            return true;
        },
        cancellationToken);

    public Task<IReadOnlyList<RequestRecord>> LatestAsync(int limit, Guid? before, CancellationToken cancellationToken) =>
        RunAsync(() => SqliteUsageReader.Latest(Open(), limit, before), cancellationToken);

    /// <summary>For tests: a statement on the ledger's own connection.</summary>
    internal Task ExecuteAsync(string sql) => RunAsync(
        () =>
        {
            using var command = Open().CreateCommand();
#pragma warning disable CA2100 // Only tests call it.
            command.CommandText = sql;
#pragma warning restore CA2100
            return command.ExecuteNonQuery();
        },
        CancellationToken.None);

    public async ValueTask DisposeAsync()
    {
        if (!_isDisposed)
        {
            _isDisposed = true;
            await _thread.RunAsync(Close, CancellationToken.None);
            _thread.Dispose();
        }
    }

    private Task<T> RunAsync<T>(Func<T> work, CancellationToken cancellationToken) => _thread.RunAsync(
        () =>
        {
            try
            {
                return work();
            }
            catch (SqliteException exception) when (exception.SqliteErrorCode is Busy or Locked && _connection is not null)
            {
                throw new LedgerUnavailableException("the database is locked by another process", exception);
            }
            catch (Exception exception) when (exception is SqliteException or IOException or UnauthorizedAccessException or InvalidOperationException)
            {
                Close();
                throw new LedgerUnavailableException(exception.Message, exception);
            }
        },
        cancellationToken);

    private SqliteConnection Open()
    {
        if (_connection is { } open)
        {
            if (File.Exists(_path))
            {
                return open;
            }

            // Somebody removed the file: what is written to it now would be gone with the process, without any error.
            Close();
        }

        Directory.CreateDirectory(Path.GetDirectoryName(_path)!);
        var connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = _path, Pooling = false, DefaultTimeout = BusySeconds }.ToString());
        try
        {
            connection.Open();
            using (var pragmas = connection.CreateCommand())
            {
                pragmas.CommandText = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;";
                pragmas.ExecuteNonQuery();
            }

            SqliteUsageSchema.Apply(connection);
        }
        catch
        {
            connection.Dispose();
            throw;
        }

        return _connection = connection;
    }

    private bool Close()
    {
        _writer?.Dispose();
        _writer = null;
        _connection?.Dispose();
        _connection = null;
        return true;
    }
}
