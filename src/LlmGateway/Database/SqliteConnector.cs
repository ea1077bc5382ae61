using System.Data.Common;
using Microsoft.Data.Sqlite;

namespace LlmGateway.Database;

/// <summary>
/// One SQLite file: WAL mode, every transaction on disk before it counts as written. After any failure but a lock the connection is made
/// anew, so that a file that comes back is found.
/// </summary>
/// <param name="path">Full path of the file; its folder is made.</param>
internal sealed class SqliteConnector(string path) : IDatabaseConnector
{
    private const int Busy = 5;
    private const int Locked = 6;

    /// <summary>Seconds that one try waits for another process' lock; whoever needs the work done tries again.</summary>
    private const int BusySeconds = 1;

    static SqliteConnector() => SQLitePCL.Batteries_V2.Init();

    public DatabaseKind Kind => DatabaseKind.Sqlite;

    public DbConnection Open()
    {
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        var connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = path, Pooling = false, DefaultTimeout = BusySeconds }.ToString());
        try
        {
            connection.Open();
            using var pragmas = connection.CreateCommand();
            pragmas.CommandText = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;";
            pragmas.ExecuteNonQuery();
            return connection;
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    // Somebody removed the file: what is written to it now would be gone with the process, without any error.
    public bool IsStale(DbConnection connection) => !File.Exists(path);

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
        SqliteException { SqliteErrorCode: Busy or Locked } => new("the database is locked by another process", KeepsConnection: true),
        SqliteException or IOException or UnauthorizedAccessException or InvalidOperationException => new(exception.Message, KeepsConnection: false),
        _ => null,
    };
}
