using LlmGateway.Model;
using Microsoft.Data.Sqlite;

namespace LlmGateway.Usage;

/// <summary>Reads records back.</summary>
internal static class SqliteUsageReader
{
    public static IReadOnlyList<RequestRecord> Latest(SqliteConnection connection, int limit, Guid? before)
    {
        using var command = connection.CreateCommand();
        command.CommandText = """
            SELECT id, time_us, request_id, key_name, department, user_id, agent, strategy, endpoint, status, streaming, provider, model, fallback_reason,
                   input_tokens, output_tokens, cached_input_tokens, reasoning_tokens, estimated, cost_micro_usd, unpriced, duration_us, time_to_first_token_us, cached, saved_micro_usd
            FROM request_records WHERE $before IS NULL OR id < $before ORDER BY id DESC LIMIT $limit
            """;
        command.Parameters.AddWithValue("$before", (object?)before?.ToByteArray(bigEndian: true) ?? DBNull.Value);
        command.Parameters.AddWithValue("$limit", limit);
        using var rows = command.ExecuteReader();
        List<RequestRecord> records = [];
        while (rows.Read())
        {
            records.Add(ReadRequest(rows, connection));
        }

        return records;
    }

    private static RequestRecord ReadRequest(SqliteDataReader row, SqliteConnection connection)
    {
        var id = GuidAt(row, 0);
        return new()
        {
            Id = id,
            Time = DateTimeOffset.UnixEpoch.AddMicroseconds(row.GetInt64(1)),
            RequestId = row.GetString(2),
            Key = row.GetString(3),
            Department = TextAt(row, 4),
            UserId = TextAt(row, 5),
            Agent = row.GetString(6),
            Strategy = row.GetString(7),
            Endpoint = row.GetString(8),
            Status = row.GetInt32(9),
            IsStreaming = row.GetBoolean(10),
            Provider = TextAt(row, 11),
            Model = TextAt(row, 12),
            FallbackReason = TextAt(row, 13) is { } reason ? UsageNames.ParseOutcome(reason) : FailureReason.None,
            Usage = new(row.GetInt64(14), row.GetInt64(15), row.GetInt64(16), row.GetInt64(17), row.GetBoolean(18)),
            CostMicroUsd = row.GetInt64(19),
            IsUnpriced = row.GetBoolean(20),
            Duration = TimeSpan.FromMicroseconds(row.GetInt64(21)),
            TimeToFirstToken = TimeAt(row, 22),
            IsCached = row.GetBoolean(23),
            SavedMicroUsd = row.GetInt64(24),
            Attempts = Attempts(connection, id),
        };
    }

    private static List<AttemptRecord> Attempts(SqliteConnection connection, Guid recordId)
    {
        using var command = connection.CreateCommand();
        command.CommandText = """
            SELECT number, provider, model, role, outcome, status, source,
                   input_tokens, output_tokens, cached_input_tokens, reasoning_tokens, cost_micro_usd, unpriced, duration_us, time_to_first_token_us
            FROM attempt_records WHERE record_id = $id ORDER BY number
            """;
        command.Parameters.AddWithValue("$id", recordId.ToByteArray(bigEndian: true));
        using var row = command.ExecuteReader();
        List<AttemptRecord> attempts = [];
        while (row.Read())
        {
            var number = row.GetInt32(0);
            var source = UsageNames.ParseSource(row.GetString(6));
            attempts.Add(new()
            {
                Index = number,
                Id = RequestAccount.AttemptId(recordId, number),
                Provider = row.GetString(1),
                Model = row.GetString(2),
                Role = UsageNames.ParseRole(row.GetString(3)),
                Outcome = UsageNames.ParseOutcome(row.GetString(4)),
                Status = row.GetInt32(5),
                Source = source,
                Usage = new(row.GetInt64(7), row.GetInt64(8), row.GetInt64(9), row.GetInt64(10), source == UsageSource.Estimated),
                CostMicroUsd = row.GetInt64(11),
                IsUnpriced = row.GetBoolean(12),
                Duration = TimeSpan.FromMicroseconds(row.GetInt64(13)),
                TimeToFirstToken = TimeAt(row, 14),
            });
        }

        return attempts;
    }

    private static Guid GuidAt(SqliteDataReader row, int column) => new((byte[])row[column], bigEndian: true);

    private static string? TextAt(SqliteDataReader row, int column) => row.IsDBNull(column) ? null : row.GetString(column);

    private static TimeSpan? TimeAt(SqliteDataReader row, int column) => row.IsDBNull(column) ? null : TimeSpan.FromMicroseconds(row.GetInt64(column));
}
