using LlmGateway.FunctionalTests.Infrastructure;

namespace LlmGateway.FunctionalTests;

/// <summary>The panels about users: their SQL, against the ledger's tables in a real PostgreSQL.</summary>
public sealed class UserPanelTests
{
    private const long Noon = 1_790_510_400; // A Unix time within a day, so that hours before it belong to the same one.

    /// <summary>The ledger's tables, as far as panels ask for them.</summary>
    private const string Tables = """
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

    [Fact]
    public async Task Every_panels_sql_gives_the_users_of_its_span_of_time()
    {
        await using var postgres = await PostgresServer.StartAsync();
        await postgres.ExecuteAsync(Tables);
        await InsertAsync(postgres, Noon, "jane", 200, "internal", "large", 100, 20, 3_000_000, 0);
        await InsertAsync(postgres, Noon + 60, "jane", 502, "backup", "small", 10, 0, 500_000, 1_000_000, attempts: 2);
        await InsertAsync(postgres, Noon + 120, "joe", 200, "internal", "large", 50, 5, 1_000_000, 0);
        await InsertAsync(postgres, Noon + 180, null, 200, "internal", "large", 1, 1, 0, 0);
        await InsertAsync(postgres, Noon - 86_400, "early", 200, "internal", "large", 7, 7, 9_000_000, 0);
        await InsertAsync(postgres, Noon + 86_400, "late", 200, "internal", "large", 7, 7, 9_000_000, 0);
        var panels = DashboardPanel.All().Where(panel => panel.IsSql).ToDictionary(panel => panel.Title);

        var answers = new Dictionary<string, IReadOnlyList<IReadOnlyDictionary<string, object?>>>();
        foreach (var panel in panels.Values)
        {
            var sql = panel.Query.Replace("$__unixEpochFrom()", $"{Noon - 3600}", StringComparison.Ordinal).Replace("$__unixEpochTo()", $"{Noon + 3600}", StringComparison.Ordinal);
            Assert.DoesNotContain("$", sql, StringComparison.Ordinal);
            answers[panel.Title] = await postgres.QueryAsync(sql);
        }

        Assert.Equal(
            [("jane", 2L, 1L, 110m, 3.5m, 1m), ("joe", 1L, 0L, 50m, 1m, 0m), ("(none)", 1L, 0L, 1m, 0m, 0m)],
            answers["Users"].Select(row => ((string)row["user"]!, (long)row["requests"]!, (long)row["errors"]!, (decimal)row["input tokens"]!, (decimal)row["cost, USD"]!, (decimal)row["saved, USD"]!)));
        Assert.Equal(
            [("jane", 3.5m), ("joe", 1m)],
            answers["Cost per day of the ten costliest users"].Select(row => ((string)row["metric"]!, (decimal)row["cost"]!)).OrderByDescending(row => row.Item2));
        Assert.All(answers["Cost per day of the ten costliest users"], row => Assert.Equal(DateTimeOffset.FromUnixTimeSeconds(Noon).UtcDateTime.Date, (DateTime)row["time"]!));
        Assert.Equal(
            [("jane", "internal", "large", 1L, 3m), ("joe", "internal", "large", 1L, 1m), ("jane", "backup", "small", 2L, 0.5m), ("(none)", "internal", "large", 1L, 0m)],
            answers["Models by user"].Select(row => ((string)row["user"]!, (string)row["provider"]!, (string)row["model"]!, (long)row["calls"]!, (decimal)row["cost, USD"]!)));
        Assert.Equal(3, panels.Count);
    }

    /// <summary>A record whose cost is that of its attempts: one in its own row, more in rows of their own.</summary>
    private static async Task InsertAsync(
        PostgresServer postgres, long time, string? user, int status, string provider, string model, long input, long output, long cost, long saved, int attempts = 1)
    {
        // As the gateway makes them: the time's milliseconds come first.
        var id = Guid.CreateVersion7(DateTimeOffset.FromUnixTimeSeconds(time));
        var userText = user is null ? "NULL" : $"'{user}'";
        var attempt = attempts == 1 ? "'answer', 'success', 200, 'provider', 900, NULL" : "NULL, NULL, NULL, NULL, NULL, NULL";
        await postgres.ExecuteAsync($"""
            INSERT INTO request_records VALUES ('{id}', {time * 1_000_000}, 'r', 'crm', 'sales', {userText}, 'default', 'single', '/v1/chat/completions', {status}, 0, '{provider}', '{model}', NULL,
                {input}, {output}, 0, 0, 0, {cost}, 0, 1000000, NULL, 0, {saved}, {attempt});
            """);
        for (var number = 0; attempts > 1 && number < attempts; number++)
        {
            await postgres.ExecuteAsync(
                $"INSERT INTO multiple_attempts VALUES ('{id}', {number}, '{provider}', '{model}', 'answer', 'timeout', 0, 'estimated', {input / attempts}, 0, 0, 0, {cost / attempts}, 0, 500000, NULL);");
        }
    }
}
