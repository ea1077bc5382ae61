using System.Data.Common;
using LlmGateway.Database;
using LlmGateway.Model;
using Microsoft.Data.Sqlite;

namespace LlmGateway.Usage;

/// <summary>Reads records back.</summary>
internal static class UsageReader
{
    private const string RequestColumns = """
        id, time_us, request_id, key_name, department, user_id, agent, strategy, endpoint, status, streaming, provider, model, fallback_reason,
        input_tokens, output_tokens, cached_input_tokens, reasoning_tokens, estimated, cost_micro_usd, unpriced, duration_us, time_to_first_token_us, cached, saved_micro_usd
        """;

    private const string AttemptColumns = """
        record_id, number, provider, model, role, outcome, status, source,
        input_tokens, output_tokens, cached_input_tokens, reasoning_tokens, cost_micro_usd, unpriced, duration_us, time_to_first_token_us
        """;

    /// <summary>Newest first.</summary>
    public static IReadOnlyList<RequestRecord> Latest(DbConnection connection, int limit, Guid? before)
    {
        using var command = before is null
            ? Command(connection, $"SELECT {RequestColumns} FROM request_records ORDER BY id DESC LIMIT @limit")
            : Command(connection, $"SELECT {RequestColumns} FROM request_records WHERE id < @before ORDER BY id DESC LIMIT @limit", ("@before", Id(connection, before.Value)));
        command.Add("@limit", limit);
        List<RequestRecord> records = [];
        using (var rows = command.ExecuteReader())
        {
            while (rows.Read())
            {
                records.Add(ReadRequest(rows));
            }
        }

        if (records.Count == 0)
        {
            return records;
        }

        // The page is a span of ids, so its attempts are one too.
        var attempts = Attempts(connection, records[^1].Id, records[0].Id);
        return [.. records.Select(record => record with { Attempts = [.. attempts[record.Id]] })];
    }

    /// <summary>An id as the database's driver takes it.</summary>
    internal static object Id(DbConnection connection, Guid id) => connection is SqliteConnection ? id.ToByteArray(bigEndian: true) : id;

    /// <summary>A command of constant text; what comes from a caller is a parameter.</summary>
    internal static DbCommand Command(DbConnection connection, string sql, params (string Name, object Value)[] parameters)
    {
        var command = connection.CreateCommand();
#pragma warning disable CA2100 // Made of constants.
        command.CommandText = sql;
#pragma warning restore CA2100
        foreach (var (name, value) in parameters)
        {
            command.Add(name, value);
        }

        return command;
    }

    private static ILookup<Guid, AttemptRecord> Attempts(DbConnection connection, Guid first, Guid last)
    {
        using var command = Command(
            connection,
            $"SELECT {AttemptColumns} FROM attempt_records WHERE record_id >= @first AND record_id <= @last ORDER BY record_id, number",
            ("@first", Id(connection, first)),
            ("@last", Id(connection, last)));
        using var row = command.ExecuteReader();
        List<(Guid RecordId, AttemptRecord Attempt)> attempts = [];
        while (row.Read())
        {
            attempts.Add(ReadAttempt(row));
        }

        return attempts.ToLookup(found => found.RecordId, found => found.Attempt);
    }

    private static RequestRecord ReadRequest(DbDataReader row) => new()
    {
        Id = IdAt(row, 0),
        Time = DateTimeOffset.UnixEpoch.AddMicroseconds(row.GetInt64(1)),
        RequestId = row.GetString(2),
        Key = row.GetString(3),
        Department = TextAt(row, 4),
        UserId = TextAt(row, 5),
        Agent = row.GetString(6),
        Strategy = row.GetString(7),
        Endpoint = row.GetString(8),
        Status = (int)row.GetInt64(9),
        IsStreaming = row.GetInt64(10) != 0,
        Provider = TextAt(row, 11),
        Model = TextAt(row, 12),
        FallbackReason = TextAt(row, 13) is { } reason ? UsageNames.ParseOutcome(reason) : FailureReason.None,
        Usage = new(row.GetInt64(14), row.GetInt64(15), row.GetInt64(16), row.GetInt64(17), row.GetInt64(18) != 0),
        CostMicroUsd = row.GetInt64(19),
        IsUnpriced = row.GetInt64(20) != 0,
        Duration = TimeSpan.FromMicroseconds(row.GetInt64(21)),
        TimeToFirstToken = TimeAt(row, 22),
        IsCached = row.GetInt64(23) != 0,
        SavedMicroUsd = row.GetInt64(24),
    };

    private static (Guid RecordId, AttemptRecord Attempt) ReadAttempt(DbDataReader row)
    {
        var recordId = IdAt(row, 0);
        var number = (int)row.GetInt64(1);
        var source = UsageNames.ParseSource(row.GetString(7));
        return (recordId, new()
        {
            Index = number,
            Id = RequestAccount.AttemptId(recordId, number),
            Provider = row.GetString(2),
            Model = row.GetString(3),
            Role = UsageNames.ParseRole(row.GetString(4)),
            Outcome = UsageNames.ParseOutcome(row.GetString(5)),
            Status = (int)row.GetInt64(6),
            Source = source,
            Usage = new(row.GetInt64(8), row.GetInt64(9), row.GetInt64(10), row.GetInt64(11), source == UsageSource.Estimated),
            CostMicroUsd = row.GetInt64(12),
            IsUnpriced = row.GetInt64(13) != 0,
            Duration = TimeSpan.FromMicroseconds(row.GetInt64(14)),
            TimeToFirstToken = TimeAt(row, 15),
        });
    }

    private static Guid IdAt(DbDataReader row, int column) => row.GetValue(column) is Guid id ? id : new((byte[])row.GetValue(column), bigEndian: true);

    private static string? TextAt(DbDataReader row, int column) => row.IsDBNull(column) ? null : row.GetString(column);

    private static TimeSpan? TimeAt(DbDataReader row, int column) => row.IsDBNull(column) ? null : TimeSpan.FromMicroseconds(row.GetInt64(column));
}
