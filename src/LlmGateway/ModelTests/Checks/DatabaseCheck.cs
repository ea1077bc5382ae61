using LlmGateway.Configuration;
using LlmGateway.Usage;
using Microsoft.Data.Sqlite;

namespace LlmGateway.ModelTests.Checks;

/// <summary>Whether the database can be written. A file that is not there yet is not made: that is the gateway's own first step.</summary>
internal static class DatabaseCheck
{
    private const int BusySeconds = 2;

    public static Task<CheckFinding> RunAsync(HostSettings host, TimeProvider time, CancellationToken cancellationToken)
    {
        _ = time;
        cancellationToken.ThrowIfCancellationRequested();
        return Task.FromResult(DatabaseUrl.TryParse(host.DatabaseUrl, host.WorkingDirectory, out var database, out var problem)
            ? Sqlite(database!.Path)
            : CheckFinding.Failed(SettingNames.DatabaseUrl, problem!, "Leave it out for SQLite in data/."));
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
