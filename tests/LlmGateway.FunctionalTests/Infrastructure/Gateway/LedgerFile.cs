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

    /// <summary>Asks until the rows satisfy the condition, and answers them.</summary>
    public async Task<IReadOnlyList<IReadOnlyDictionary<string, object?>>> WaitForAsync(
        string sql, Func<IReadOnlyList<IReadOnlyDictionary<string, object?>>, bool> condition, TimeSpan? limit = null)
    {
        var rows = Query(sql);
        await Eventually.TrueAsync(() => condition(rows = Query(sql)), $"rows of {sql}", limit);
        return rows;
    }
}
