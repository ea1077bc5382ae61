using System.Data.Common;
using System.Globalization;
using LlmGateway.Model;

namespace LlmGateway.Usage;

/// <summary>Sums usage up in the database; the same SQL serves both. Groups are picked from constants, all else are parameters.</summary>
internal static class UsageSumReader
{
    /// <summary>Most groups of an answer, those that cost most: users have no bound of their own.</summary>
    public const int MostGroups = 1_000;

    private const long MicrosecondsOfDay = 86_400_000_000;

    /// <summary>From <paramref name="first"/> up to <paramref name="end"/>, to the millisecond.</summary>
    public static IReadOnlyList<UsageSum> Read(DbConnection connection, UsageGrouping grouping, DateTimeOffset first, DateTimeOffset end)
    {
        var rows = grouping is UsageGrouping.Provider or UsageGrouping.Model ? Calls(Column(grouping)) : Requests(Column(grouping));
        var sql = Sums(rows, grouping == UsageGrouping.Day ? "sums.grp" : "cost DESC, requests DESC, sums.grp");
        using var command = UsageReader.Command(
            connection, sql, ("@first", UsageReader.Id(connection, UniqueIds.FirstOf(first))), ("@end", UsageReader.Id(connection, UniqueIds.FirstOf(end))), ("@limit", MostGroups));
        using var row = command.ExecuteReader();
        List<UsageSum> sums = [];
        while (row.Read())
        {
            sums.Add(new(
                Name(grouping, row.GetString(0)),
                row.GetInt64(1),
                row.GetInt64(2),
                row.GetInt64(3),
                new TokenUsage(row.GetInt64(4), row.GetInt64(5), row.GetInt64(6), row.GetInt64(7)),
                row.GetInt64(8),
                row.GetInt64(9),
                row.IsDBNull(10) ? null : TimeSpan.FromMicroseconds(row.GetInt64(10)),
                row.IsDBNull(11) ? null : TimeSpan.FromMicroseconds(row.GetInt64(11))));
        }

        return sums;
    }

    /// <summary>Rows of requests. The status is what the client got: 499 when it went away, 0 when the gateway died.</summary>
    private static string Requests(string column) => $"""
        SELECT {column} AS grp, 1 AS counted, CASE WHEN (status >= 400 AND status <> 499) OR status = 0 THEN 1 ELSE 0 END AS failed, unpriced,
               input_tokens, output_tokens, cached_input_tokens, reasoning_tokens, cost_micro_usd, saved_micro_usd, duration_us
        FROM request_records WHERE id >= @first AND id < @end
        """;

    /// <summary>Rows of provider calls, and what the cache saved of them.</summary>
    private static string Calls(string column) => $"""
        SELECT {column} AS grp, 1 AS counted, CASE WHEN outcome IN ('success', 'cancelled') THEN 0 ELSE 1 END AS failed, unpriced,
               input_tokens, output_tokens, cached_input_tokens, reasoning_tokens, cost_micro_usd, 0 AS saved_micro_usd, duration_us
        FROM attempt_records WHERE record_id >= @first AND record_id < @end
        UNION ALL
        SELECT {column}, 0, 0, 0, 0, 0, 0, 0, 0, saved_micro_usd, NULL
        FROM request_records WHERE id >= @first AND id < @end AND saved_micro_usd > 0
        """;

    private static string Sums(string rows, string order) => $"""
        WITH found AS ({rows}),
        placed AS (
            SELECT grp, duration_us, row_number() OVER (PARTITION BY grp ORDER BY duration_us) AS place, count(*) OVER (PARTITION BY grp) AS total
            FROM found WHERE duration_us IS NOT NULL),
        times AS (
            SELECT grp, min(CASE WHEN place * 100 >= total * 50 THEN duration_us END) AS half, min(CASE WHEN place * 100 >= total * 95 THEN duration_us END) AS most
            FROM placed GROUP BY grp),
        sums AS (
            SELECT grp, CAST(sum(counted) AS BIGINT) AS requests, CAST(sum(failed) AS BIGINT) AS errors, CAST(sum(unpriced) AS BIGINT) AS unpriced,
                   CAST(sum(input_tokens) AS BIGINT) AS input, CAST(sum(output_tokens) AS BIGINT) AS output,
                   CAST(sum(cached_input_tokens) AS BIGINT) AS cached, CAST(sum(reasoning_tokens) AS BIGINT) AS reasoning,
                   CAST(sum(cost_micro_usd) AS BIGINT) AS cost, CAST(sum(saved_micro_usd) AS BIGINT) AS saved
            FROM found GROUP BY grp)
        SELECT sums.grp, requests, errors, unpriced, input, output, cached, reasoning, cost, saved, half, most
        FROM sums LEFT JOIN times ON times.grp = sums.grp
        ORDER BY {order} LIMIT @limit
        """;

    private static string Column(UsageGrouping grouping) => grouping switch
    {
        UsageGrouping.Agent => "agent",
        UsageGrouping.Provider => "coalesce(provider, '')",
        UsageGrouping.Model => "coalesce(provider || '/' || model, '')",
        UsageGrouping.Key => "key_name",
        UsageGrouping.Department => "coalesce(department, '')",
        UsageGrouping.User => "coalesce(user_id, '')",
        UsageGrouping.Day => string.Create(CultureInfo.InvariantCulture, $"CAST(time_us / {MicrosecondsOfDay} AS TEXT)"),
        _ => throw new ArgumentOutOfRangeException(nameof(grouping)),
    };

    private static string? Name(UsageGrouping grouping, string found) =>
        found.Length == 0 ? null
        : grouping == UsageGrouping.Day ? DateOnly.FromDateTime(DateTime.UnixEpoch).AddDays(int.Parse(found, CultureInfo.InvariantCulture)).ToString("yyyy-MM-dd", CultureInfo.InvariantCulture)
        : found;
}
