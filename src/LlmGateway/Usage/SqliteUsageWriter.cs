using LlmGateway.Model;
using Microsoft.Data.Sqlite;

namespace LlmGateway.Usage;

/// <summary>Writes batches through one connection; its statements are prepared once.</summary>
internal sealed class SqliteUsageWriter(SqliteConnection connection) : IDisposable
{
    private readonly SqliteInsert _requests = new(connection, "request_records", """
        id, time_us, request_id, key_name, department, user_id, agent, strategy, endpoint, status, streaming, provider, model, fallback_reason,
        input_tokens, output_tokens, cached_input_tokens, reasoning_tokens, estimated, cost_micro_usd, unpriced, duration_us, time_to_first_token_us, cached, saved_micro_usd,
        attempt_role, attempt_outcome, attempt_status, attempt_source, attempt_duration_us, attempt_time_to_first_token_us
        """);

    private readonly SqliteInsert _attempts = new(connection, "multiple_attempts", """
        record_id, number, provider, model, role, outcome, status, source,
        input_tokens, output_tokens, cached_input_tokens, reasoning_tokens, cost_micro_usd, unpriced, duration_us, time_to_first_token_us
        """);

    public SqliteConnection Connection { get; } = connection;

    /// <summary>One transaction: all of it or nothing.</summary>
    public void Write(IReadOnlyList<RequestRecord> batch)
    {
        using var transaction = Connection.BeginTransaction(deferred: false);
        foreach (var record in batch)
        {
            Insert(record);
        }

        transaction.Commit();
    }

    public void Dispose()
    {
        _requests.Dispose();
        _attempts.Dispose();
    }

    private void Insert(RequestRecord record)
    {
        var row = _requests;
        row.Bind(record.Id);
        row.Bind((record.Time.UtcTicks - DateTimeOffset.UnixEpoch.Ticks) / TimeSpan.TicksPerMicrosecond);
        row.Bind(record.RequestId);
        row.Bind(record.Key);
        row.Bind(record.Department);
        row.Bind(record.UserId);
        row.Bind(record.Agent);
        row.Bind(record.Strategy);
        row.Bind(record.Endpoint);
        row.Bind(record.Status);
        row.Bind(record.IsStreaming);
        row.Bind(record.Provider);
        row.Bind(record.Model);
        row.Bind(record.FallbackReason == FailureReason.None ? null : record.FallbackReason.ToName());
        Bind(row, record.Usage);
        row.Bind(record.Usage.IsEstimated);
        row.Bind(record.CostMicroUsd);
        row.Bind(record.IsUnpriced);
        row.Bind(record.Duration);
        row.Bind(record.TimeToFirstToken);
        row.Bind(record.IsCached);
        row.Bind(record.SavedMicroUsd);
        if (record.Attempts is [var only])
        {
            row.Bind(only.Role.ToName());
            row.Bind(only.Outcome.ToOutcomeName());
            row.Bind(only.Status);
            row.Bind(only.Source.ToName());
            row.Bind(only.Duration);
            row.Bind(only.TimeToFirstToken);
            row.Execute();
            return;
        }

        for (var column = 0; column < 6; column++)
        {
            row.BindNull();
        }

        if (row.Execute())
        {
            foreach (var attempt in record.Attempts)
            {
                Insert(record.Id, attempt);
            }
        }
    }

    private void Insert(Guid recordId, AttemptRecord attempt)
    {
        var row = _attempts;
        row.Bind(recordId);
        row.Bind(attempt.Index);
        row.Bind(attempt.Provider);
        row.Bind(attempt.Model);
        row.Bind(attempt.Role.ToName());
        row.Bind(attempt.Outcome.ToOutcomeName());
        row.Bind(attempt.Status);
        row.Bind(attempt.Source.ToName());
        Bind(row, attempt.Usage);
        row.Bind(attempt.CostMicroUsd);
        row.Bind(attempt.IsUnpriced);
        row.Bind(attempt.Duration);
        row.Bind(attempt.TimeToFirstToken);
        row.Execute();
    }

    private static void Bind(SqliteInsert row, in TokenUsage usage)
    {
        row.Bind(usage.Input);
        row.Bind(usage.Output);
        row.Bind(usage.CachedInput);
        row.Bind(usage.Reasoning);
    }
}
