using LlmGateway.Configuration;
using LlmGateway.Database;
using Microsoft.Data.Sqlite;
using Npgsql;

namespace LlmGateway.ModelTests.Checks;

/// <summary>Whether the database can be written. A file that is not there yet is not made: that is the gateway's own first step.</summary>
internal static class DatabaseCheck
{
    private const int BusySeconds = 2;

    private const int ConnectSeconds = 5;

    public static async Task<CheckFinding> RunAsync(HostSettings host, CancellationToken cancellationToken)
    {
        if (!DatabaseUrl.TryParse(host.DatabaseUrl, host.WorkingDirectory, out var url, out var problem))
        {
            return CheckFinding.Failed(SettingNames.DatabaseUrl, problem!, "Leave it out for SQLite in data/.");
        }

        return url!.Kind == DatabaseKind.Sqlite ? Sqlite(url.Value) : await PostgreSqlAsync(url.Value, cancellationToken);
    }

    private static async Task<CheckFinding> PostgreSqlAsync(string settings, CancellationToken cancellationToken)
    {
        var builder = new NpgsqlConnectionStringBuilder(settings) { Timeout = ConnectSeconds, CommandTimeout = ConnectSeconds, Pooling = false, GssEncryptionMode = GssEncryptionMode.Disable };
        var where = $"{builder.Host}:{builder.Port}, database {builder.Database}";
        try
        {
            await using var connection = new NpgsqlConnection(builder.ToString());
            await connection.OpenAsync(cancellationToken);
            await using var command = connection.CreateCommand();
            command.CommandText = "SELECT has_schema_privilege(current_schema(), 'CREATE')";
            return await command.ExecuteScalarAsync(cancellationToken) is true
                ? CheckFinding.Ok(SettingNames.DatabaseUrl, $"PostgreSQL answers at {where}")
                : CheckFinding.Failed(SettingNames.DatabaseUrl, $"PostgreSQL at {where} lets the user make no tables", $"GRANT CREATE ON SCHEMA public TO {builder.Username}, or make it the database's owner.");
        }
        catch (PostgresException exception)
        {
            // By kind: the server's own words may quote what it was told.
            return exception.SqlState[..2] switch
            {
                "28" => CheckFinding.Failed(SettingNames.DatabaseUrl, $"PostgreSQL at {where} refuses user or password", "Check both in DATABASE_URL; what is special in them is percent-encoded."),
                "3D" => CheckFinding.Failed(SettingNames.DatabaseUrl, $"PostgreSQL has no such database: {where}", $"CREATE DATABASE {builder.Database}, or name another one."),
                _ => CheckFinding.Failed(SettingNames.DatabaseUrl, $"PostgreSQL at {where} answers with SQLSTATE {exception.SqlState}", "Look at the server's log."),
            };
        }
        catch (Exception exception) when (exception is NpgsqlException or TimeoutException or IOException or System.Net.Sockets.SocketException)
        {
            return CheckFinding.Failed(SettingNames.DatabaseUrl, $"PostgreSQL does not answer at {where}", "Start it, or check host, port, network and sslmode.");
        }
    }

    private static CheckFinding Sqlite(string path)
    {
        if (File.Exists(path))
        {
            return Open(path);
        }

        var folder = Path.GetDirectoryName(path)!;
        while (!Directory.Exists(folder) && !File.Exists(folder) && Path.GetDirectoryName(folder) is { } parent)
        {
            folder = parent;
        }

        return IsWritable(folder)
            ? CheckFinding.Ok(SettingNames.DatabaseUrl, $"SQLite, made at the first start: {path}")
            : CheckFinding.Failed(SettingNames.DatabaseUrl, $"the folder {folder} cannot be written", "Give the gateway's user the right to write there, or set DATABASE_URL=sqlite:FILE elsewhere.");
    }

    private static CheckFinding Open(string path)
    {
        SQLitePCL.Batteries_V2.Init();
        try
        {
            using var connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = path, Mode = SqliteOpenMode.ReadWrite, Pooling = false, DefaultTimeout = BusySeconds }.ToString());
            connection.Open();
            using var command = connection.CreateCommand();
            command.CommandText = "SELECT COUNT(*) FROM sqlite_master; BEGIN IMMEDIATE; ROLLBACK";
            command.ExecuteNonQuery();
            return CheckFinding.Ok(SettingNames.DatabaseUrl, $"SQLite, can be written: {path}");
        }
        catch (SqliteException exception)
        {
            const int Busy = 5, Locked = 6, Corrupt = 11, NoDatabase = 26;
            return exception.SqliteErrorCode switch
            {
                Busy or Locked => CheckFinding.Warning(SettingNames.DatabaseUrl, $"SQLite is busy at the moment: {path}", "If it stays so, another program holds it."),
                Corrupt or NoDatabase => Damaged(path),
                _ => CheckFinding.Failed(SettingNames.DatabaseUrl, $"SQLite cannot write {path} (error {exception.SqliteErrorCode})", "Give the gateway's user the right to write the file and its folder."),
            };
        }
    }

    private static CheckFinding Damaged(string path) =>
        CheckFinding.Failed(SettingNames.DatabaseUrl, $"{path} is not a whole SQLite database", "Restore it from a backup, or move it away: a new one is made at the next start.");

    private static bool IsWritable(string folder)
    {
        var path = Path.Combine(folder, $".llm-gateway-check-{Guid.NewGuid():N}");
        try
        {
            using (new FileStream(path, FileMode.CreateNew, FileAccess.Write, FileShare.None, 1, FileOptions.DeleteOnClose))
            {
                return true;
            }
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }
}
