using LlmGateway.FunctionalTests.Infrastructure;

namespace LlmGateway.FunctionalTests;

/// <summary>The panels about users: their SQL, against the ledger's tables in a real PostgreSQL.</summary>
[Collection(nameof(PostgresCollection))]
public sealed class UserPanelTests(PostgresServer server)
{
    /// <summary>A Unix time well within a day, and in the past.</summary>
    private const long Noon = 1_750_075_200;

    [Fact]
    public async Task Every_panels_sql_gives_the_users_of_its_span_of_time()
    {
        var url = await server.CreateDatabaseAsync();
        await using (var stage = await ProductionStage.StartAloneAsync(configure: stage => stage.Gateway.WithVariable("DATABASE_URL", url)))
        {
            stage.First.Answers(ProductionStage.Answer(isStreaming: false));
            (await stage.AskAsync(isStreaming: false, ("X-User-Id", "now"))).AssertAnswered("Well met");
            await stage.Gateway.WaitForMetricsAsync(page => page.Sum("llm_gateway_usage_records_total", ("result", "written")) == 1, "the record to be written");
        }

        await InsertAsync(url, Noon, "jane", 200, "internal", "large", 100, 20, 3_000_000, 0);
        await InsertAsync(url, Noon + 60, "jane", 502, "backup", "small", 10, 0, 500_000, 1_000_000, attempts: 2);
        await InsertAsync(url, Noon + 120, "joe", 200, "internal", "large", 50, 5, 1_000_000, 0);
        await InsertAsync(url, Noon + 180, null, 200, "internal", "large", 1, 1, 0, 0);
        await InsertAsync(url, Noon - 86_400, "early", 200, "internal", "large", 7, 7, 9_000_000, 0);
        await InsertAsync(url, Noon + 86_400, "late", 200, "internal", "large", 7, 7, 9_000_000, 0);
        var panels = DashboardPanel.All().Where(panel => panel.IsSql).ToDictionary(panel => panel.Title);

        var answers = new Dictionary<string, IReadOnlyList<IReadOnlyDictionary<string, object?>>>();
        foreach (var panel in panels.Values)
        {
            answers[panel.Title] = await server.QueryAsync(url, WithTimes(panel, Noon - 3600, Noon + 3600));
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

        // What the gateway itself wrote stands where its own id says.
        var now = DateTimeOffset.UtcNow.ToUnixTimeSeconds();
        foreach (var panel in panels.Values)
        {
            var row = Assert.Single(await server.QueryAsync(url, WithTimes(panel, now - 3600, now + 60)));
            Assert.Contains("now", row.Values);
        }
    }

    /// <summary>The query as Grafana sends it for a span of time in Unix seconds.</summary>
    private static string WithTimes(DashboardPanel panel, long from, long to)
    {
        var sql = panel.Query.Replace("$__unixEpochFrom()", $"{from}", StringComparison.Ordinal).Replace("$__unixEpochTo()", $"{to}", StringComparison.Ordinal);
        Assert.DoesNotContain("$", sql, StringComparison.Ordinal);
        return sql;
    }

    /// <summary>A record whose cost is that of its attempts: one in its own row, more in rows of their own.</summary>
    private async Task InsertAsync(
        string url, long time, string? user, int status, string provider, string model, long input, long output, long cost, long saved, int attempts = 1)
    {
        // As the gateway makes them: the time's milliseconds come first.
        var id = Guid.CreateVersion7(DateTimeOffset.FromUnixTimeSeconds(time));
        var userText = user is null ? "NULL" : $"'{user}'";
        var attempt = attempts == 1 ? "'answer', 'success', 200, 'provider', 900, NULL" : "NULL, NULL, NULL, NULL, NULL, NULL";
        await server.ExecuteOnAsync(url, $"""
            INSERT INTO request_records VALUES ('{id}', {time * 1_000_000}, 'r', 'crm', 'sales', {userText}, 'default', 'single', '/v1/chat/completions', {status}, 0, '{provider}', '{model}', NULL,
                {input}, {output}, 0, 0, 0, {cost}, 0, 1000000, NULL, 0, {saved}, {attempt});
            """);
        for (var number = 0; attempts > 1 && number < attempts; number++)
        {
            await server.ExecuteOnAsync(
                url, $"INSERT INTO multiple_attempts VALUES ('{id}', {number}, '{provider}', '{model}', 'answer', 'timeout', 0, 'estimated', {input / attempts}, 0, 0, 0, {cost / attempts}, 0, 500000, NULL);");
        }
    }
}
