using System.Globalization;
using Microsoft.Data.Sqlite;

namespace LlmGateway.Usage;

/// <summary>Tables of the ledger in SQLite, and their version.</summary>
internal static class SqliteUsageSchema
{
    public const int Version = 1;

    private const string Component = "usage";

    /// <summary>
    /// Rows stand in the order of their ids, which is the order of time: appending touches the last page only, and a span of time is a
    /// span of ids, so that no further index is needed. Most requests have one attempt: it stands in the request's own row, in the
    /// <c>attempt_</c> columns, its target, tokens and cost being the request's; several stand in rows of their own. The view shows both alike.
    /// </summary>
    private const string Tables = """
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

    /// <summary>Makes the tables where there are none.</summary>
    /// <exception cref="LedgerSchemaException">The file's tables are newer than this program.</exception>
    public static void Apply(SqliteConnection connection)
    {
        // Immediate: of two gateways that start on one file, the second waits and finds the tables made.
        using var transaction = connection.BeginTransaction(deferred: false);
        Execute(connection, transaction, "CREATE TABLE IF NOT EXISTS schema_versions (component TEXT NOT NULL PRIMARY KEY, version INTEGER NOT NULL)");
        switch (FoundVersion(connection, transaction))
        {
            case null:
                Execute(connection, transaction, Tables);
                Execute(connection, transaction, $"INSERT INTO schema_versions (component, version) VALUES ('{Component}', {Version})");
                break;
            case > Version and var newer:
                throw new LedgerSchemaException(
                    $"the database was written by a newer version of LlmGateway (usage schema {newer}, this version knows {Version}): use that version, or another DATABASE_URL");
        }

        transaction.Commit();
    }

    private static long? FoundVersion(SqliteConnection connection, SqliteTransaction transaction)
    {
        using var command = connection.CreateCommand();
        command.Transaction = transaction;
        command.CommandText = $"SELECT version FROM schema_versions WHERE component = '{Component}'";
        return command.ExecuteScalar() is { } version ? Convert.ToInt64(version, CultureInfo.InvariantCulture) : null;
    }

    private static void Execute(SqliteConnection connection, SqliteTransaction transaction, string sql)
    {
        using var command = connection.CreateCommand();
        command.Transaction = transaction;
#pragma warning disable CA2100 // Constants of this file.
        command.CommandText = sql;
#pragma warning restore CA2100
        command.ExecuteNonQuery();
    }
}
