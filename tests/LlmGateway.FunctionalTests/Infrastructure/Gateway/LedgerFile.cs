using Microsoft.Data.Sqlite;

namespace LlmGateway.FunctionalTests.Infrastructure;

/// <summary>The gateway's SQLite ledger, read from outside as an operator would.</summary>
internal sealed class LedgerFile(string path)
{
    static LedgerFile() => SQLitePCL.Batteries_V2.Init();

    /// <summary>All rows of a query; none while file or table are not there yet.</summary>
    public IReadOnlyList<IReadOnlyDictionary<string, object?>> Query(string sql, params (string Name, object Value)[] parameters)
    {
        if (!File.Exists(path))
        {
            return [];
        }

        if (new FileInfo(path).Length == 0)
        {
            // Just being made: nothing is in it, and a reader could not open its write-ahead log.
            return [];
        }

        using var connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = path, Mode = SqliteOpenMode.ReadOnly, Pooling = false }.ToString());
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        foreach (var (name, value) in parameters)
        {
            command.Parameters.AddWithValue(name, value);
        }

        var rows = new List<IReadOnlyDictionary<string, object?>>();
        try
        {
            using var reader = command.ExecuteReader();
            while (reader.Read())
            {
                rows.Add(Enumerable.Range(0, reader.FieldCount).ToDictionary(reader.GetName, i => reader.IsDBNull(i) ? null : reader.GetValue(i), StringComparer.Ordinal));
            }
        }
        catch (SqliteException fault) when (fault.Message.Contains("no such table", StringComparison.Ordinal))
        {
            // The gateway has not made its tables yet: the caller asks again.
        }

        return rows;
    }

    /// <summary>Waits for the ledger to hold exactly this many request records, oldest first: usage is written behind the requests' backs.</summary>
    public Task<IReadOnlyList<IReadOnlyDictionary<string, object?>>> WaitForRequestsAsync(int count, TimeSpan? limit = null) =>
        WaitForAsync("SELECT * FROM request_records ORDER BY id", rows => rows.Count == count, limit);

    /// <summary>The attempts of one request record, in their order.</summary>
    public IReadOnlyList<IReadOnlyDictionary<string, object?>> Attempts(IReadOnlyDictionary<string, object?> request) =>
        Query("SELECT * FROM attempt_records WHERE record_id = $id ORDER BY number", ("$id", request["id"]!));

    /// <summary>Asks until the rows satisfy the condition, and answers them.</summary>
    public async Task<IReadOnlyList<IReadOnlyDictionary<string, object?>>> WaitForAsync(
        string sql, Func<IReadOnlyList<IReadOnlyDictionary<string, object?>>, bool> condition, TimeSpan? limit = null)
    {
        var rows = Query(sql);
        await Eventually.TrueAsync(() => condition(rows = Query(sql)), $"rows of {sql}", limit);
        return rows;
    }
}
