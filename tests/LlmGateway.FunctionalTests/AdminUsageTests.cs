using System.Globalization;
using System.Text.Json;
using LlmGateway.Database;
using LlmGateway.FunctionalTests.Infrastructure;
using LlmGateway.Model;
using LlmGateway.Telemetry;
using LlmGateway.Usage;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;

namespace LlmGateway.FunctionalTests;

/// <summary>What administration tells of usage, on both databases.</summary>
[Collection(nameof(PostgresCollection))]
public sealed class AdminUsageTests(PostgresServer server)
{
    private const string AdminKey = "admin-0123456789abcdef0123456789abcdef";
    private const string Priced = """
          internal:
            models: { internal-model: { input_cost_per_1m: 2.5, output_cost_per_1m: 10, cached_input_cost_per_1m: 0.5 } }
        """;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Sums_of_every_grouping_are_those_of_the_records(bool isPostgres)
    {
        await using var database = await OpenAsync(isPostgres);
        var ledger = new UsageLedger(database);
        var start = new DateTimeOffset(2026, 3, 1, 22, 0, 0, TimeSpan.Zero);
        var random = new Random(20260301);
        RequestRecord[] records = [.. Enumerable.Range(0, 700).Select(i => Record(random, start.AddMinutes(i)))];
        await ledger.WriteAsync(records, Cancellation);

        // Neither the first nor the last minute belongs to the span.
        var (first, end) = (start.AddMinutes(1), start.AddMinutes(699));
        var inside = records.Where(record => record.Time >= first && record.Time < end).ToArray();
        Assert.Equal(698, inside.Length);
        Assert.Equal(
            Expected(inside, record => record.Time.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture)).OrderBy(sum => sum.Group, StringComparer.Ordinal),
            await ledger.SumAsync(UsageGrouping.Day, first, end, Cancellation));
        foreach (var (grouping, name) in new (UsageGrouping, Func<RequestRecord, string?>)[]
        {
            (UsageGrouping.Agent, record => record.Agent), (UsageGrouping.Key, record => record.Key), (UsageGrouping.Department, record => record.Department), (UsageGrouping.User, record => record.UserId),
        })
        {
            AssertSame(Expected(inside, name), await ledger.SumAsync(grouping, first, end, Cancellation));
        }

        var calls = inside.SelectMany(record => record.Attempts.Select(attempt => (record, attempt))).ToArray();
        AssertSame(ExpectedOfCalls(inside, attempt => attempt.Provider, record => record.Provider), await ledger.SumAsync(UsageGrouping.Provider, first, end, Cancellation));
        AssertSame(
            ExpectedOfCalls(inside, attempt => $"{attempt.Provider}/{attempt.Model}", record => record.Provider is null ? null : $"{record.Provider}/{record.Model}"),
            await ledger.SumAsync(UsageGrouping.Model, first, end, Cancellation));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Requests_and_sums_are_told_as_they_were(bool isPostgres)
    {
        await using var stage = await StartAsync(isPostgres);
        stage.First.Answers(Script.Json("{}", 500), ProductionStage.Answer(isStreaming: false));
        stage.Second.Answers(Script.Json(OpenAiReplies.Completion("Hi", 11, 3)));
        (await stage.AskAsync(isStreaming: false, ("X-Request-Id", "first"), ("X-User-Id", "u-7"))).AssertAnswered("Hi");
        (await stage.AskAsync(isStreaming: false, ("X-Request-Id", "second"))).AssertAnswered("Well met");
        await stage.Gateway.WaitForMetricsAsync(page => page.Sum("llm_gateway_usage_records_total", ("result", "written")) == 2, "both to be written");

        var list = (await AskAsync(stage, "/admin/requests")).GetProperty("data");
        Assert.Equal(["second", "first"], list.EnumerateArray().Select(record => record.GetProperty("request_id").GetString()));
        var second = list[0];
        Assert.Equal(
            [
                "id", "time", "request_id", "key", "department", "user", "agent", "strategy", "endpoint", "status", "input_tokens", "output_tokens", "cached_input_tokens",
                "reasoning_tokens", "cost_usd", "duration", "time_to_first_token", "cached", "saved_usd", "attempts",
            ],
            second.EnumerateObject().Select(member => member.Name));
        Assert.Equal(
            ["provider", "model", "outcome", "role", "source", "input_tokens", "output_tokens", "cost_usd", "duration"], second.GetProperty("attempts")[0].EnumerateObject().Select(member => member.Name));
        Assert.Equal(("test", "default", "single", ProductionStage.Path, 200), (Text(second, "key"), Text(second, "agent"), Text(second, "strategy"), Text(second, "endpoint"), second.GetProperty("status").GetInt32()));

        // 9 at 2.5 and 2 at 10 dollars a million, each call rounded to the micro-dollar.
        Assert.Equal((9, 2, 0.000043m), (second.GetProperty("input_tokens").GetInt32(), second.GetProperty("output_tokens").GetInt32(), second.GetProperty("cost_usd").GetDecimal()));
        var first = list[1];
        Assert.Equal("u-7", Text(first, "user"));
        Assert.Equal(["internal server_error", "backup success"], first.GetProperty("attempts").EnumerateArray().Select(attempt => $"{Text(attempt, "provider")} {Text(attempt, "outcome")}"));

        // No price is no zero.
        Assert.Equal(JsonValueKind.Null, first.GetProperty("cost_usd").ValueKind);
        Assert.Equal("first", Text(Assert.Single((await AskAsync(stage, $"/admin/requests?before={Text(second, "id")}&limit=1000000000")).GetProperty("data").EnumerateArray()), "request_id"));

        var providers = (await AskAsync(stage, "/admin/usage?group_by=provider")).GetProperty("data").EnumerateArray().ToArray();
        Assert.Equal(["internal", "backup"], providers.Select(sum => Text(sum, "provider")));
        Assert.Equal((2, 1, 0, 0.000043m), (Number(providers[0], "requests"), Number(providers[0], "errors"), Number(providers[0], "unpriced"), providers[0].GetProperty("cost_usd").GetDecimal()));
        Assert.Equal((1, 0, 1, 11), (Number(providers[1], "requests"), Number(providers[1], "errors"), Number(providers[1], "unpriced"), Number(providers[1], "input_tokens")));
        var models = (await AskAsync(stage, "/admin/usage?group_by=model")).GetProperty("data").EnumerateArray();
        Assert.Equal(["internal internal-model", "backup backup-model"], models.Select(sum => $"{Text(sum, "provider")} {Text(sum, "model")}"));
        var agent = Assert.Single((await AskAsync(stage, "/admin/usage")).GetProperty("data").EnumerateArray());
        Assert.Equal(("default", 2, 0, 20), (Text(agent, "agent"), Number(agent, "requests"), Number(agent, "errors"), Number(agent, "input_tokens")));
        Assert.True(agent.GetProperty("p50_duration").GetDouble() > 0 && agent.GetProperty("p95_duration").GetDouble() >= agent.GetProperty("p50_duration").GetDouble());
        var today = DateTime.UtcNow.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);
        Assert.NotEmpty((await AskAsync(stage, $"/admin/usage?group_by=day&from={today}&to={today}")).GetProperty("data").EnumerateArray());
        Assert.Empty((await AskAsync(stage, "/admin/usage?group_by=key&to=2020-01-01")).GetProperty("data").EnumerateArray());
        Assert.Empty((await AskAsync(stage, "/admin/usage?from=2999-01-01")).GetProperty("data").EnumerateArray());
    }

    [Theory]
    [InlineData("/admin/requests?limit=-1", "limit")]
    [InlineData("/admin/requests?limit=0", "limit")]
    [InlineData("/admin/requests?limit=1e9", "limit")]
    [InlineData("/admin/requests?limit=", "limit")]
    [InlineData("/admin/requests?limit=5&limit=6", "limit")]
    [InlineData("/admin/requests?before=%25%25%25%25", "before")]
    [InlineData("/admin/requests?before=1", "before")]
    [InlineData("/admin/usage?group_by=password", "group_by")]
    [InlineData("/admin/usage?group_by=1", "group_by")]
    [InlineData("/admin/usage?group_by=agent%27%3B%20DROP%20TABLE%20request_records%3B--", "group_by")]
    [InlineData("/admin/usage?from=yesterday", "from")]
    [InlineData("/admin/usage?from=0001-01-01", "from")]
    [InlineData("/admin/usage?to=9999-12-31", "to")]
    [InlineData("/admin/usage?from=2026-02-01&to=2026-01-01", "from")]
    public async Task What_makes_no_sense_is_refused_by_name(string path, string parameter)
    {
        await using var stage = await StartAsync(isPostgres: false);
        using var response = await SendAsync(stage, path);

        Assert.Equal(400, (int)response.StatusCode);
        using var body = JsonDocument.Parse(await response.Content.ReadAsStringAsync(Cancellation));
        Assert.Equal(("invalid_request", parameter), (Text(body.RootElement.GetProperty("error"), "code"), Text(body.RootElement.GetProperty("error"), "param")));
    }

    [Fact]
    public async Task A_list_is_never_longer_than_two_hundred_and_quick_on_many_rows()
    {
        await using var stage = await StartAsync(isPostgres: false);
        var ledger = stage.Gateway.Services.GetRequiredService<IUsageLedger>();
        var start = DateTimeOffset.UtcNow.AddHours(-1);
        var random = new Random(1);
        for (var part = 0; part < 10; part++)
        {
            await ledger.WriteAsync([.. Enumerable.Range(0, 2_000).Select(i => Record(random, start.AddMilliseconds((part * 2_000) + i)))], Cancellation);
        }

        Assert.Equal(200, (await AskAsync(stage, "/admin/requests?limit=1000000000")).GetProperty("data").GetArrayLength());
        Assert.Equal(50, (await AskAsync(stage, "/admin/requests")).GetProperty("data").GetArrayLength());
        var seen = new HashSet<string>();
        for (string? before = null; ;)
        {
            var page = (await AskAsync(stage, $"/admin/requests?limit=200{(before is null ? "" : "&before=" + before)}")).GetProperty("data").EnumerateArray().Select(record => Text(record, "id")!).ToArray();
            if (page.Length == 0)
            {
                break;
            }

            Assert.All(page, id => Assert.True(seen.Add(id)));
            before = page[^1];
        }

        Assert.Equal(20_000, seen.Count);
    }

    [Fact]
    public async Task Without_the_database_it_is_503_with_retry_after()
    {
        var url = await server.CreateDatabaseAsync();
        await using var proxy = new FaultProxy(server.Port);
        await using var stage = await StartAsync(url.Replace($":{server.Port}/", $":{proxy.Port}/", StringComparison.Ordinal));
        proxy.Set(FaultMode.Reset);

        foreach (var path in new[] { "/admin/usage", "/admin/requests" })
        {
            using var response = await SendAsync(stage, path);
            Assert.Equal((503, "2"), ((int)response.StatusCode, response.Headers.GetValues("retry-after").Single()));
            Assert.Contains("store_unavailable", await response.Content.ReadAsStringAsync(Cancellation), StringComparison.Ordinal);
        }

        Assert.True(proxy.Faults > 0);
    }

    private static RequestRecord Record(Random random, DateTimeOffset time)
    {
        var id = IdAt(time, random);
        string? Pick(params string?[] names) => names[random.Next(names.Length)];
        AttemptRecord[] attempts = [.. Enumerable.Range(0, random.Next(4)).Select(i => new AttemptRecord
        {
            Id = RequestAccount.AttemptId(id, i), Index = i, Provider = Pick("a", "b")!, Model = Pick("m", "org/n")!, Role = AttemptRole.Answer, Outcome = random.Next(3) switch { 0 => FailureReason.Timeout, 1 => FailureReason.Cancelled, _ => FailureReason.None },
            Usage = new(random.Next(1000), random.Next(1000), random.Next(10), random.Next(10)), Source = UsageSource.Provider, CostMicroUsd = random.Next(100_000), IsUnpriced = random.Next(5) == 0, Duration = TimeSpan.FromMicroseconds(random.Next(1_000_000)),
        })];
        var isCached = attempts.Length == 0 && random.Next(2) == 0;
        return new()
        {
            Id = id,
            Time = time,
            RequestId = "r",
            Key = Pick("crm", "shop")!,
            Department = Pick("sales", null),
            UserId = Pick("u1", "u2", null),
            Agent = Pick("writer", "default", "")!,
            Strategy = "single",
            Endpoint = "/v1/chat/completions",
            Status = random.Next(5) switch { 0 => 502, 1 => 499, 2 => 0, _ => 200 },
            Provider = attempts.Length == 0 && !isCached ? null : attempts.LastOrDefault()?.Provider ?? "a",
            Model = attempts.LastOrDefault()?.Model ?? "m",
            Usage = attempts.Aggregate(default(TokenUsage), (sum, attempt) => sum + attempt.Usage),
            CostMicroUsd = attempts.Sum(attempt => attempt.CostMicroUsd),
            IsUnpriced = attempts.Any(attempt => attempt.IsUnpriced),
            Duration = attempts.Length == 1 ? attempts[0].Duration : TimeSpan.FromMicroseconds(random.Next(1_000_000)),
            IsCached = isCached,
            SavedMicroUsd = isCached ? random.Next(1, 1000) : 0,
            Attempts = attempts,
        };
    }

    private static Guid IdAt(DateTimeOffset time, Random random)
    {
        Span<byte> bytes = stackalloc byte[16];
        random.NextBytes(bytes);
        UniqueIds.FirstOf(time).TryWriteBytes(bytes[..], bigEndian: true, out _);
        random.NextBytes(bytes[6..]);
        return new Guid(bytes, bigEndian: true);
    }

    private static IEnumerable<UsageSum> Expected(IEnumerable<RequestRecord> records, Func<RequestRecord, string?> name) =>
        records.GroupBy(record => name(record) is { Length: > 0 } some ? some : null).Select(group => new UsageSum(
            group.Key,
            group.Count(),
            group.Count(record => record.Status is 0 or 502),
            group.Count(record => record.IsUnpriced),
            group.Aggregate(default(TokenUsage), (sum, record) => sum + record.Usage),
            group.Sum(record => record.CostMicroUsd),
            group.Sum(record => record.SavedMicroUsd),
            Share([.. group.Select(record => record.Duration)], 0.5),
            Share([.. group.Select(record => record.Duration)], 0.95)));

    private static IEnumerable<UsageSum> ExpectedOfCalls(IEnumerable<RequestRecord> records, Func<AttemptRecord, string> name, Func<RequestRecord, string?> savedName)
    {
        var saved = records.Where(record => record.SavedMicroUsd > 0).GroupBy(record => savedName(record)!).ToDictionary(group => group.Key, group => group.Sum(record => record.SavedMicroUsd));
        return records.SelectMany(record => record.Attempts).GroupBy(name).Select(group => new UsageSum(
            group.Key,
            group.Count(),
            group.Count(attempt => attempt.Outcome == FailureReason.Timeout),
            group.Count(attempt => attempt.IsUnpriced),
            group.Aggregate(default(TokenUsage), (sum, attempt) => sum + attempt.Usage),
            group.Sum(attempt => attempt.CostMicroUsd),
            saved.GetValueOrDefault(group.Key),
            Share([.. group.Select(attempt => attempt.Duration)], 0.5),
            Share([.. group.Select(attempt => attempt.Duration)], 0.95)));
    }

    private static TimeSpan Share(TimeSpan[] times, double share) => times.Order().ElementAt((int)Math.Ceiling(times.Length * share) - 1);

    private static void AssertSame(IEnumerable<UsageSum> expected, IReadOnlyList<UsageSum> found)
    {
        Assert.Equal(expected.OrderByDescending(sum => sum.CostMicroUsd), found);
        Assert.NotEmpty(found);
    }

    private static string? Text(JsonElement element, string name) => element.GetProperty(name).GetString();

    private static int Number(JsonElement element, string name) => element.GetProperty(name).GetInt32();

    private static async Task<HttpResponseMessage> SendAsync(ProductionStage stage, string path)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        request.Headers.TryAddWithoutValidation("Authorization", "Bearer " + AdminKey);
        return await stage.Gateway.Client.SendAsync(request, Cancellation);
    }

    private static async Task<JsonElement> AskAsync(ProductionStage stage, string path)
    {
        using var response = await SendAsync(stage, path);
        var text = await response.Content.ReadAsStringAsync(Cancellation);
        Assert.True(response.IsSuccessStatusCode, text);
        using var document = JsonDocument.Parse(text);
        return document.RootElement.Clone();
    }

    private async Task<ProductionStage> StartAsync(bool isPostgres) => await StartAsync(isPostgres ? await server.CreateDatabaseAsync() : "sqlite:data/gateway.db");

    private static Task<ProductionStage> StartAsync(string databaseUrl) => ProductionStage.StartAsync(configure: stage => stage.Gateway
        .WithVariable("ADMIN_API_KEY", AdminKey)
        .WithVariable("DATABASE_URL", databaseUrl)
        .WithSettings(ProductionStage.Settings(stage.Second.BaseUrl, Priced)));

    private async Task<ThreadedDatabase> OpenAsync(bool isPostgres)
    {
        var folder = Directory.CreateTempSubdirectory("llmgateway-test-").FullName;
        DatabaseUrl.TryParse(isPostgres ? await server.CreateDatabaseAsync() : "sqlite:x.db", folder, out var url, out _);
        IDatabaseConnector connector = isPostgres ? new PostgreSqlConnector(url!.Value) : new SqliteConnector(url!.Value);
        return new(connector, [new UsageSchema()], new(new GatewayMetrics(), NullLogger<DatabaseHealth>.Instance), TimeProvider.System);
    }
}
