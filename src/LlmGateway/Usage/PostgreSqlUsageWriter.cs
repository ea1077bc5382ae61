using LlmGateway.Model;
using Npgsql;

namespace LlmGateway.Usage;

/// <summary>Writes batches into PostgreSQL: each table's rows go in one statement as arrays of columns, so that a batch takes as many round trips as a row.</summary>
internal static class PostgreSqlUsageWriter
{
    private static readonly ArrayInsert<RequestRecord> Requests = new("request_records",
    [
        new Column<RequestRecord, Guid>("id", static record => record.Id),
        new Column<RequestRecord, long>("time_us", static record => (record.Time.UtcTicks - DateTimeOffset.UnixEpoch.Ticks) / TimeSpan.TicksPerMicrosecond),
        new Column<RequestRecord, string?>("request_id", static record => Text(record.RequestId)),
        new Column<RequestRecord, string?>("key_name", static record => Text(record.Key)),
        new Column<RequestRecord, string?>("department", static record => Text(record.Department)),
        new Column<RequestRecord, string?>("user_id", static record => Text(record.UserId)),
        new Column<RequestRecord, string?>("agent", static record => Text(record.Agent)),
        new Column<RequestRecord, string?>("strategy", static record => Text(record.Strategy)),
        new Column<RequestRecord, string?>("endpoint", static record => Text(record.Endpoint)),
        new Column<RequestRecord, long>("status", static record => record.Status),
        new Column<RequestRecord, long>("streaming", static record => record.IsStreaming ? 1 : 0),
        new Column<RequestRecord, string?>("provider", static record => Text(record.Provider)),
        new Column<RequestRecord, string?>("model", static record => Text(record.Model)),
        new Column<RequestRecord, string?>("fallback_reason", static record => record.FallbackReason == FailureReason.None ? null : record.FallbackReason.ToName()),
        new Column<RequestRecord, long>("input_tokens", static record => record.Usage.Input),
        new Column<RequestRecord, long>("output_tokens", static record => record.Usage.Output),
        new Column<RequestRecord, long>("cached_input_tokens", static record => record.Usage.CachedInput),
        new Column<RequestRecord, long>("reasoning_tokens", static record => record.Usage.Reasoning),
        new Column<RequestRecord, long>("estimated", static record => record.Usage.IsEstimated ? 1 : 0),
        new Column<RequestRecord, long>("cost_micro_usd", static record => record.CostMicroUsd),
        new Column<RequestRecord, long>("unpriced", static record => record.IsUnpriced ? 1 : 0),
        new Column<RequestRecord, long>("duration_us", static record => Microseconds(record.Duration)),
        new Column<RequestRecord, long?>("time_to_first_token_us", static record => Microseconds(record.TimeToFirstToken)),
        new Column<RequestRecord, long>("cached", static record => record.IsCached ? 1 : 0),
        new Column<RequestRecord, long>("saved_micro_usd", static record => record.SavedMicroUsd),
        new Column<RequestRecord, string?>("attempt_role", static record => Only(record)?.Role.ToName()),
        new Column<RequestRecord, string?>("attempt_outcome", static record => Only(record)?.Outcome.ToOutcomeName()),
        new Column<RequestRecord, long?>("attempt_status", static record => Only(record)?.Status),
        new Column<RequestRecord, string?>("attempt_source", static record => Only(record)?.Source.ToName()),
        new Column<RequestRecord, long?>("attempt_duration_us", static record => Microseconds(Only(record)?.Duration)),
        new Column<RequestRecord, long?>("attempt_time_to_first_token_us", static record => Microseconds(Only(record)?.TimeToFirstToken)),
    ]);

    private static readonly ArrayInsert<AttemptRow> Attempts = new("multiple_attempts",
    [
        new Column<AttemptRow, Guid>("record_id", static row => row.RecordId),
        new Column<AttemptRow, long>("number", static row => row.Attempt.Index),
        new Column<AttemptRow, string?>("provider", static row => Text(row.Attempt.Provider)),
        new Column<AttemptRow, string?>("model", static row => Text(row.Attempt.Model)),
        new Column<AttemptRow, string>("role", static row => row.Attempt.Role.ToName()),
        new Column<AttemptRow, string>("outcome", static row => row.Attempt.Outcome.ToOutcomeName()),
        new Column<AttemptRow, long>("status", static row => row.Attempt.Status),
        new Column<AttemptRow, string>("source", static row => row.Attempt.Source.ToName()),
        new Column<AttemptRow, long>("input_tokens", static row => row.Attempt.Usage.Input),
        new Column<AttemptRow, long>("output_tokens", static row => row.Attempt.Usage.Output),
        new Column<AttemptRow, long>("cached_input_tokens", static row => row.Attempt.Usage.CachedInput),
        new Column<AttemptRow, long>("reasoning_tokens", static row => row.Attempt.Usage.Reasoning),
        new Column<AttemptRow, long>("cost_micro_usd", static row => row.Attempt.CostMicroUsd),
        new Column<AttemptRow, long>("unpriced", static row => row.Attempt.IsUnpriced ? 1 : 0),
        new Column<AttemptRow, long>("duration_us", static row => Microseconds(row.Attempt.Duration)),
        new Column<AttemptRow, long?>("time_to_first_token_us", static row => Microseconds(row.Attempt.TimeToFirstToken)),
    ],
    "WHERE NOT EXISTS (SELECT 1 FROM request_records WHERE id = record_id)");

    /// <summary>One transaction: all of it or nothing.</summary>
    public static void Write(NpgsqlConnection connection, IReadOnlyList<RequestRecord> batch)
    {
        AttemptRow[] attempts = [.. batch.Where(record => record.Attempts.Count > 1).SelectMany(record => record.Attempts.Select(attempt => new AttemptRow(record.Id, attempt)))];
        using var transaction = connection.BeginTransaction();
        if (attempts.Length > 0)
        {
            // Before their requests: those of a request that is there already are there, too, or do not belong to it.
            Attempts.Execute(connection, attempts);
        }

        Requests.Execute(connection, batch);
        transaction.Commit();
    }

    private static AttemptRecord? Only(RequestRecord record) => record.Attempts is [var only] ? only : null;

    private static long Microseconds(TimeSpan time) => time.Ticks / TimeSpan.TicksPerMicrosecond;

    private static long? Microseconds(TimeSpan? time) => time is { } some ? Microseconds(some) : null;

    // PostgreSQL takes no NUL in a text and Npgsql no lone surrogate; one such name must not hold up a batch.
    private static string? Text(string? text)
    {
        if (text is null || text.AsSpan().IndexOfAnyInRange('\ud800', '\udfff') < 0)
        {
            return text is not null && text.Contains('\0', StringComparison.Ordinal) ? text.Replace('\0', '\ufffd') : text;
        }

        return System.Text.Encoding.UTF8.GetString(System.Text.Encoding.UTF8.GetBytes(text)).Replace('\0', '\ufffd');
    }

    private readonly record struct AttemptRow(Guid RecordId, AttemptRecord Attempt);

    private interface IColumn<in TRow>
    {
        string Name { get; }

        NpgsqlParameter Values(IReadOnlyList<TRow> rows);
    }

    private sealed record Column<TRow, T>(string Name, Func<TRow, T> Value) : IColumn<TRow>
    {
        public NpgsqlParameter Values(IReadOnlyList<TRow> rows)
        {
            var values = new T[rows.Count];
            for (var i = 0; i < values.Length; i++)
            {
                values[i] = Value(rows[i]);
            }

            return new NpgsqlParameter<T[]> { TypedValue = values };
        }
    }

    /// <summary>A row whose key is there already is left as it is, so that writing a batch again is harmless.</summary>
    private sealed class ArrayInsert<TRow>(string table, IColumn<TRow>[] columns, string condition = "")
    {
        private readonly string _sql =
            $"INSERT INTO {table} ({string.Join(", ", columns.Select(column => column.Name))}) SELECT * FROM unnest({string.Join(", ", columns.Select((_, i) => $"${i + 1}"))}) AS incoming ({string.Join(", ", columns.Select(column => column.Name))}) {condition} ON CONFLICT DO NOTHING";

        public void Execute(NpgsqlConnection connection, IReadOnlyList<TRow> rows)
        {
#pragma warning disable CA2100 // Made of constants.
            using var command = new NpgsqlCommand(_sql, connection);
#pragma warning restore CA2100
            foreach (var column in columns)
            {
                command.Parameters.Add(column.Values(rows));
            }

            command.ExecuteNonQuery();
        }
    }
}
