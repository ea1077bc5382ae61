using LlmGateway.Database;

namespace LlmGateway.Usage;

/// <summary>Tables of the ledger: the same in both databases, but for the types.</summary>
internal sealed class UsageSchema : IDatabaseSchema
{
    private static readonly string Sqlite = Tables("BLOB", "INTEGER", " WITHOUT ROWID");
    private static readonly string PostgreSql = Tables("UUID", "BIGINT", "");

    public string Name => "usage";

    public IReadOnlyList<string> Scripts(DatabaseKind kind) => [kind == DatabaseKind.Sqlite ? Sqlite : PostgreSql];

    /// <summary>
    /// Rows stand in the order of their ids, which is the order of time: appending touches the last page only, and a span of time is a
    /// span of ids, so that no further index is needed. Most requests have one attempt: it stands in the request's own row, in the
    /// <c>attempt_</c> columns, its target, tokens and cost being the request's; several stand in rows of their own. The view shows both alike.
    /// </summary>
    /// <param name="id">The type of ids.</param>
    /// <param name="number">The type of whole numbers.</param>
    /// <param name="option">What is added to a table: SQLite is told that rows are kept by their key and have no number besides.</param>
    private static string Tables(string id, string number, string option) => $$"""
        CREATE TABLE request_records (
            id {{id}} NOT NULL PRIMARY KEY,
            time_us {{number}} NOT NULL,
            request_id TEXT NOT NULL,
            key_name TEXT NOT NULL,
            department TEXT,
            user_id TEXT,
            agent TEXT NOT NULL,
            strategy TEXT NOT NULL,
            endpoint TEXT NOT NULL,
            status {{number}} NOT NULL,
            streaming {{number}} NOT NULL,
            provider TEXT,
            model TEXT,
            fallback_reason TEXT,
            input_tokens {{number}} NOT NULL,
            output_tokens {{number}} NOT NULL,
            cached_input_tokens {{number}} NOT NULL,
            reasoning_tokens {{number}} NOT NULL,
            estimated {{number}} NOT NULL,
            cost_micro_usd {{number}} NOT NULL,
            unpriced {{number}} NOT NULL,
            duration_us {{number}} NOT NULL,
            time_to_first_token_us {{number}},
            cached {{number}} NOT NULL,
            saved_micro_usd {{number}} NOT NULL,
            attempt_role TEXT,
            attempt_outcome TEXT,
            attempt_status {{number}},
            attempt_source TEXT,
            attempt_duration_us {{number}},
            attempt_time_to_first_token_us {{number}}
        ){{option}};
        CREATE TABLE multiple_attempts (
            record_id {{id}} NOT NULL,
            number {{number}} NOT NULL,
            provider TEXT NOT NULL,
            model TEXT NOT NULL,
            role TEXT NOT NULL,
            outcome TEXT NOT NULL,
            status {{number}} NOT NULL,
            source TEXT NOT NULL,
            input_tokens {{number}} NOT NULL,
            output_tokens {{number}} NOT NULL,
            cached_input_tokens {{number}} NOT NULL,
            reasoning_tokens {{number}} NOT NULL,
            cost_micro_usd {{number}} NOT NULL,
            unpriced {{number}} NOT NULL,
            duration_us {{number}} NOT NULL,
            time_to_first_token_us {{number}},
            PRIMARY KEY (record_id, number)
        ){{option}};
        CREATE VIEW attempt_records AS
            SELECT record_id, number, provider, model, role, outcome, status, source, input_tokens, output_tokens, cached_input_tokens,
                   reasoning_tokens, cost_micro_usd, unpriced, duration_us, time_to_first_token_us
            FROM multiple_attempts
            UNION ALL
            SELECT id, 0, provider, model, attempt_role, attempt_outcome, attempt_status, attempt_source, input_tokens, output_tokens, cached_input_tokens,
                   reasoning_tokens, cost_micro_usd, unpriced, attempt_duration_us, attempt_time_to_first_token_us
            FROM request_records WHERE attempt_outcome IS NOT NULL;
        """;
}
