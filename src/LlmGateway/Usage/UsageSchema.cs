using LlmGateway.Database;

namespace LlmGateway.Usage;

/// <summary>Tables of the ledger: the same in both databases, but for the types.</summary>
internal sealed class UsageSchema : IDatabaseSchema
{
    /// <summary>
    /// Rows stand in the order of their ids, which is the order of time: appending touches the last page only, and a span of time is a
    /// span of ids, so that no further index is needed. Most requests have one attempt: it stands in the request's own row, in the
    /// <c>attempt_</c> columns, its target, tokens and cost being the request's; several stand in rows of their own. The view shows both alike.
    /// </summary>
    private const string Sqlite = """
        CREATE TABLE request_records (
            id BLOB NOT NULL PRIMARY KEY,
            time_us INTEGER NOT NULL,
            request_id TEXT NOT NULL,
            key_name TEXT NOT NULL,
            department TEXT,
            user_id TEXT,
            agent TEXT NOT NULL,
            strategy TEXT NOT NULL,
            endpoint TEXT NOT NULL,
            status INTEGER NOT NULL,
            streaming INTEGER NOT NULL,
            provider TEXT,
            model TEXT,
            fallback_reason TEXT,
            input_tokens INTEGER NOT NULL,
            output_tokens INTEGER NOT NULL,
            cached_input_tokens INTEGER NOT NULL,
            reasoning_tokens INTEGER NOT NULL,
            estimated INTEGER NOT NULL,
            cost_micro_usd INTEGER NOT NULL,
            unpriced INTEGER NOT NULL,
            duration_us INTEGER NOT NULL,
            time_to_first_token_us INTEGER,
            cached INTEGER NOT NULL,
            saved_micro_usd INTEGER NOT NULL,
            attempt_role TEXT,
            attempt_outcome TEXT,
            attempt_status INTEGER,
            attempt_source TEXT,
            attempt_duration_us INTEGER,
            attempt_time_to_first_token_us INTEGER
        ) WITHOUT ROWID;
        CREATE TABLE multiple_attempts (
            record_id BLOB NOT NULL,
            number INTEGER NOT NULL,
            provider TEXT NOT NULL,
            model TEXT NOT NULL,
            role TEXT NOT NULL,
            outcome TEXT NOT NULL,
            status INTEGER NOT NULL,
            source TEXT NOT NULL,
            input_tokens INTEGER NOT NULL,
            output_tokens INTEGER NOT NULL,
            cached_input_tokens INTEGER NOT NULL,
            reasoning_tokens INTEGER NOT NULL,
            cost_micro_usd INTEGER NOT NULL,
            unpriced INTEGER NOT NULL,
            duration_us INTEGER NOT NULL,
            time_to_first_token_us INTEGER,
            PRIMARY KEY (record_id, number)
        ) WITHOUT ROWID;
        CREATE VIEW attempt_records AS
            SELECT record_id, number, provider, model, role, outcome, status, source, input_tokens, output_tokens, cached_input_tokens,
                   reasoning_tokens, cost_micro_usd, unpriced, duration_us, time_to_first_token_us
            FROM multiple_attempts
            UNION ALL
            SELECT id, 0, provider, model, attempt_role, attempt_outcome, attempt_status, attempt_source, input_tokens, output_tokens, cached_input_tokens,
                   reasoning_tokens, cost_micro_usd, unpriced, attempt_duration_us, attempt_time_to_first_token_us
            FROM request_records WHERE attempt_outcome IS NOT NULL;
        """;

    private const string PostgreSql = """
        CREATE TABLE request_records (
            id UUID NOT NULL PRIMARY KEY,
            time_us BIGINT NOT NULL,
            request_id TEXT NOT NULL,
            key_name TEXT NOT NULL,
            department TEXT,
            user_id TEXT,
            agent TEXT NOT NULL,
            strategy TEXT NOT NULL,
            endpoint TEXT NOT NULL,
            status BIGINT NOT NULL,
            streaming BIGINT NOT NULL,
            provider TEXT,
            model TEXT,
            fallback_reason TEXT,
            input_tokens BIGINT NOT NULL,
            output_tokens BIGINT NOT NULL,
            cached_input_tokens BIGINT NOT NULL,
            reasoning_tokens BIGINT NOT NULL,
            estimated BIGINT NOT NULL,
            cost_micro_usd BIGINT NOT NULL,
            unpriced BIGINT NOT NULL,
            duration_us BIGINT NOT NULL,
            time_to_first_token_us BIGINT,
            cached BIGINT NOT NULL,
            saved_micro_usd BIGINT NOT NULL,
            attempt_role TEXT,
            attempt_outcome TEXT,
            attempt_status BIGINT,
            attempt_source TEXT,
            attempt_duration_us BIGINT,
            attempt_time_to_first_token_us BIGINT
        );
        CREATE TABLE multiple_attempts (
            record_id UUID NOT NULL,
            number BIGINT NOT NULL,
            provider TEXT NOT NULL,
            model TEXT NOT NULL,
            role TEXT NOT NULL,
            outcome TEXT NOT NULL,
            status BIGINT NOT NULL,
            source TEXT NOT NULL,
            input_tokens BIGINT NOT NULL,
            output_tokens BIGINT NOT NULL,
            cached_input_tokens BIGINT NOT NULL,
            reasoning_tokens BIGINT NOT NULL,
            cost_micro_usd BIGINT NOT NULL,
            unpriced BIGINT NOT NULL,
            duration_us BIGINT NOT NULL,
            time_to_first_token_us BIGINT,
            PRIMARY KEY (record_id, number)
        );
        CREATE VIEW attempt_records AS
            SELECT record_id, number, provider, model, role, outcome, status, source, input_tokens, output_tokens, cached_input_tokens,
                   reasoning_tokens, cost_micro_usd, unpriced, duration_us, time_to_first_token_us
            FROM multiple_attempts
            UNION ALL
            SELECT id, 0, provider, model, attempt_role, attempt_outcome, attempt_status, attempt_source, input_tokens, output_tokens, cached_input_tokens,
                   reasoning_tokens, cost_micro_usd, unpriced, attempt_duration_us, attempt_time_to_first_token_us
            FROM request_records WHERE attempt_outcome IS NOT NULL;
        """;

    public string Name => "usage";

    public IReadOnlyList<string> Scripts(DatabaseKind kind) => [kind == DatabaseKind.Sqlite ? Sqlite : PostgreSql];
}
