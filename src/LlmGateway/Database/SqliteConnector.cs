using System.Data.Common;
using Microsoft.Data.Sqlite;

namespace LlmGateway.Database;

/// <summary>
/// One SQLite file: WAL mode, every transaction on disk before it counts as written. After any failure but a lock the connection is made
/// anew, so that a file that comes back is found. A file that is damaged is left alone until somebody has put another in its place, or
/// none: what it still holds can be saved, and the journal keeps what comes.
/// </summary>
/// <param name="path">Full path of the file; its folder is made.</param>
internal sealed class SqliteConnector(string path) : IDatabaseConnector
{
    private const int Busy = 5;
    private const int Locked = 6;
    private const int Corrupt = 11;
    private const int NotADatabase = 26;

    /// <summary>Seconds that one try waits for another process' lock; whoever needs the work done tries again.</summary>
    private const int BusySeconds = 1;

    private readonly string _log = path + "-wal";
    private bool _hadLog;
    private bool _isSuspect;
    private (long Length, DateTime Written)? _damaged;

    static SqliteConnector() => SQLitePCL.Batteries_V2.Init();

    public DatabaseKind Kind => DatabaseKind.Sqlite;

    public DbConnection Open()
    {
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        if (_damaged is { } damaged && damaged == Stamp())
        {
            throw new SqliteException("malformed", Corrupt);
        }

        _hadLog = false;
        var connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = path, Pooling = false, DefaultTimeout = BusySeconds }.ToString());
        try
        {
            connection.Open();
            using var pragmas = connection.CreateCommand();
            pragmas.CommandText = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;";
            pragmas.ExecuteNonQuery();
            CheckIfSuspect(connection);
            return connection;
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    // Somebody removed the file, or its log: what is written to it now would be gone with the process, without any error.
    public bool IsStale(DbConnection connection)
    {
        var hadLog = _hadLog;
        _hadLog = File.Exists(_log);
        return (hadLog && !_hadLog) || !File.Exists(path);
    }

    public void Close(DbConnection connection)
    {
        try
        {
            connection.Dispose();
        }
        catch (SqliteException)
        {
            // A COMMIT for which the disk had no room: SQLite has rolled back, the driver tries to again and again and never closes.
            ((SqliteConnection)connection).Handle?.Dispose();
        }
    }

    // Immediate: of two gateways that start on one file, the second waits and finds the tables made.
    public DbTransaction BeginSchemaChange(DbConnection connection) => ((SqliteConnection)connection).BeginTransaction(deferred: false);

    public DatabaseTrouble? Explain(Exception exception) => exception switch
    {
        SqliteException { SqliteErrorCode: Corrupt or NotADatabase } => Damaged(),
        SqliteException { SqliteErrorCode: Busy or Locked } => new("the database is locked by another process", KeepsConnection: true),
        SqliteException or IOException or UnauthorizedAccessException or InvalidOperationException => new(exception.Message, KeepsConnection: false),
        _ => null,
    };

    /// <summary>After a damaged page was met: whether the file is damaged or only the connection was.</summary>
    private void CheckIfSuspect(SqliteConnection connection)
    {
        if (!_isSuspect)
        {
            return;
        }

        using var check = connection.CreateCommand();
        check.CommandText = "PRAGMA quick_check(1)";
        if (check.ExecuteScalar() as string != "ok")
        {
            throw new SqliteException("malformed", Corrupt);
        }

        (_isSuspect, _damaged) = (false, null);
    }

    private DatabaseTrouble Damaged()
    {
        // Met for the first time on an open connection, it is looked at again on a new one.
        _damaged = _isSuspect ? Stamp() : null;
        _isSuspect = true;
        return new($"the file {Path.GetFileName(path)} is damaged: move it away with its -wal and -shm, and a new one is made that takes what the journal holds; save what is in the old one with sqlite3's .recover", KeepsConnection: false);
    }

    private (long Length, DateTime Written)? Stamp()
    {
        var file = new FileInfo(path);
        return file.Exists ? (file.Length, file.LastWriteTimeUtc) : null;
    }
}
