using System.Globalization;
using System.Net;
using LlmGateway.FunctionalTests.Infrastructure;
using LlmGateway.Redis;
using Microsoft.Extensions.DependencyInjection;

namespace LlmGateway.FunctionalTests;

/// <summary>Budgets that two instances share in a real Redis and a real PostgreSQL, and what becomes of them when one or both fail.</summary>
[Collection(nameof(SharedStoresCollection))]
public sealed class SharedBudgetTests(RedisServer redis, PostgresServer postgres, ITestOutputHelper output)
{
    private static int _name;

    private readonly string _key = string.Create(CultureInfo.InvariantCulture, $"spender-{Interlocked.Increment(ref _name)}");

    [Fact]
    public async Task Two_instances_together_spend_exactly_the_budget()
    {
        await using var stage = await StartAsync("\"budget_usd\": 10, \"budget_period\": \"week\"", await postgres.CreateDatabaseAsync());

        var admitted = await AskGatedAsync(stage, 200, 10);

        output.WriteLine($"Q8, two instances with Redis: {admitted} of 200 admitted by a budget of 10, overshoot {admitted - 10}");
        Assert.Equal(10, admitted);
    }

    [Fact]
    public async Task Nothing_stays_set_aside_and_what_is_enforced_is_what_the_ledger_says()
    {
        const int Count = 200;
        var database = await postgres.CreateDatabaseAsync();
        await using var stage = await StartAsync("\"budget_usd\": 100000, \"budget_period\": \"month\"", database);
        var number = 0;
        stage.Provider.AlwaysAnswers(_ => (Interlocked.Increment(ref number) % 3) switch
        {
            0 => Script.Json(OpenAiReplies.Error("no"), 500),
            1 => Script.Json(LimitedStage.Answer(5)),
            _ => Script.Json(LimitedStage.Answer(9)),
        });
        await Parallel.ForEachAsync(Enumerable.Range(0, Count), new ParallelOptions { MaxDegreeOfParallelism = 16 }, async (i, _) =>
        {
            using var answer = await stage.AskAsync(maxTokens: 7, gateway: i % 2);
            await answer.Content.ReadAsByteArrayAsync(CancellationToken.None);
        });

        await Eventually.AnswersAsync<bool>(async () => await BudgetAsync("open") is "0" or "-0" ? true : null, "nothing to be set aside", TimeSpan.FromSeconds(2));
        var recorded = 0L;
        await Eventually.AnswersAsync<bool>(
            async () =>
            {
                var row = Assert.Single(await postgres.QueryAsync(database, "SELECT COUNT(*) AS count, CAST(COALESCE(SUM(cost_micro_usd), 0) AS BIGINT) AS cost FROM request_records"));
                recorded = (long)row["cost"]!;
                return (long)row["count"]! == Count ? true : null;
            },
            "all records");
        var spent = await BudgetAsync("spent");
        output.WriteLine($"Q9, two instances with Redis: {Count} requests, set aside 0, enforced {spent} = recorded {recorded} micro-dollars");
        Assert.Equal(recorded.ToString(CultureInfo.InvariantCulture), spent);
        Assert.True(recorded > 0);
    }

    [Fact]
    public async Task With_Redis_away_the_database_keeps_the_budget_and_Redis_hears_of_it()
    {
        await using var stage = await StartAsync("\"budget_usd\": 20, \"budget_period\": \"week\"", await postgres.CreateDatabaseAsync());
        await AskEachAsync(stage, 5);
        await Eventually.AnswersAsync<bool>(async () => await BudgetAsync("spent") == "5000000" ? true : null, "five to be settled");
        await redis.PauseWritesAsync();
        try
        {
            // Ten are left of the fifteen once five of them are spent; of forty at once ten are let in.
            await AskEachAsync(stage, 5);
            var admitted = await AskGatedAsync(stage, 40, 10);

            output.WriteLine($"Q8, Redis away, budget kept in the database: {admitted} of 40 admitted with 10 left, overshoot {admitted - 10}");
            Assert.Equal(10, admitted);
            Assert.All(stage.Gateways, gateway => Assert.False(gateway.Services.GetRequiredService<RedisStore>().IsUp));
        }
        finally
        {
            await redis.UnpauseAsync();
        }

        await Eventually.AnswersAsync<bool>(async () => await BudgetAsync("spent") == "20000000" ? true : null, "Redis to hear of it");
    }

    [Fact]
    public async Task With_both_away_only_keys_with_a_budget_are_refused()
    {
        await using var proxy = new FaultProxy(postgres.Port);
        await using var stage = await StartAsync(
            "\"budget_usd\": 20", await postgres.CreateDatabaseAsync(proxy.Port), LimitedStage.KeyEntry("\"rpm\": 100", "free-" + _key, "sk-without-budget"));
        await AskEachAsync(stage, 1);
        await redis.PauseWritesAsync();
        proxy.Set(FaultMode.Refuse);
        try
        {
            using var refused = await stage.AskAsync();
            using var answered = await stage.AskAsync(key: "sk-without-budget");

            var error = await OpenAiError.ReadAsync(refused);
            Assert.Equal((503, "overloaded_error", "store_unavailable"), (error.Status, error.Type, error.Code));
            Assert.True(refused.Headers.Contains("retry-after"));
            Assert.Equal(HttpStatusCode.OK, answered.StatusCode);
            Assert.True(proxy.Faults > 0);
        }
        finally
        {
            proxy.Set(FaultMode.Pass);
            await redis.UnpauseAsync();
        }

        await Eventually.AnswersAsync<bool>(
            async () =>
            {
                using var answer = await stage.AskAsync();
                return answer.IsSuccessStatusCode ? true : null;
            },
            "the budget to be found again");
    }

    [Fact]
    public async Task A_Redis_that_has_forgotten_learns_from_the_ledger()
    {
        var database = await postgres.CreateDatabaseAsync();
        await using var stage = await StartAsync("\"budget_usd\": 10, \"budget_period\": \"month\"", database);
        await AskEachAsync(stage, 6);
        await Eventually.AnswersAsync<bool>(
            async () => (long)(await postgres.QueryAsync(database, "SELECT COUNT(*) AS count FROM request_records"))[0]["count"]! == 6 ? true : null, "six records");
        await redis.KillAsync();
        await Eventually.TrueAsync(() => stage.Gateways.All(gateway => !gateway.Services.GetRequiredService<RedisStore>().IsUp), "all to miss Redis");
        await redis.StartAsync();

        // A third instance knows nothing but what the ledger says.
        await stage.AddGatewayAsync(LimitedStage.Keys(LimitedStage.KeyEntry("\"budget_usd\": 10, \"budget_period\": \"month\"", _key)), gateway => Configure(gateway, database));
        await UpAsync(stage);
        await SettledAsync(stage);
        var admitted = await AskGatedAsync(stage, 30, 4);

        Assert.Equal(4, admitted);
    }

    [Fact]
    public async Task A_Redis_that_has_forgotten_is_told_of_every_call_under_way()
    {
        var database = await postgres.CreateDatabaseAsync();
        await using var stage = await StartAsync("\"budget_usd\": 20, \"budget_period\": \"week\"", database);
        await AskEachAsync(stage, 6);
        await Eventually.AnswersAsync<bool>(
            async () => (long)(await postgres.QueryAsync(database, "SELECT COUNT(*) AS count FROM request_records"))[0]["count"]! == 6 ? true : null, "six records");
        await Eventually.AnswersAsync<bool>(async () => await BudgetAsync("spent") == "6000000" ? true : null, "six to be settled");
        var gate = new Gate();
        stage.Provider.AlwaysAnswers(_ => LimitTests.SlowStream(gate));

        // Three that Redis knew of, seven that it never did: of twenty dollars four are left.
        var running = await OpenAsync(stage, 3);
        await redis.KillAsync();
        await Eventually.TrueAsync(() => stage.Gateways.All(gateway => !StoreOf(gateway).IsUp), "all to miss Redis");
        running.AddRange(await OpenAsync(stage, 7));
        await redis.StartAsync();
        await UpAsync(stage);
        var admitted = await AskGatedAsync(stage, 40, 4);

        output.WriteLine($"Q8, Redis back empty with ten calls under way at two instances: {admitted} of 40 admitted with 4 left, overshoot {admitted - 4}");
        Assert.Equal(4, admitted);

        // Then Redis alone decides, and knows all that is set aside.
        await Eventually.TrueAsync(() => stage.Gateways.All(gateway => !StoreOf(gateway).IsSettling), "Redis to decide alone");
        await Eventually.AnswersAsync<bool>(async () => (await BudgetAsync("spent"), await BudgetAsync("open")) == ("10000000", "10000000") ? true : null, "what is spent and set aside to be known");
        Assert.Equal(0, await AskGatedAsync(stage, 10, 0));
        gate.Release();
        foreach (var answer in running)
        {
            await answer.Content.ReadAsByteArrayAsync(TestContext.Current.CancellationToken);
            answer.Dispose();
        }

        await Eventually.AnswersAsync<bool>(async () => (await BudgetAsync("spent"), await BudgetAsync("open")) is ("20000000", "0" or "-0") ? true : null, "all to be settled");
    }

    [Fact]
    public async Task A_key_made_at_one_instance_is_in_force_at_the_other_within_five_seconds_and_so_is_its_end()
    {
        await using var stage = await StartAsync("\"rpm\": 1000000", await postgres.CreateDatabaseAsync());
        var key = await KeyTests.MintAsync(stage.Gateways[0], """{ "name": "fresh", "rpm": 1000000 }""");

        await BecomesAsync(isValid: true);
        using var revoke = new HttpRequestMessage(HttpMethod.Delete, "/admin/keys/fresh") { Headers = { { "Authorization", "Bearer sk-admin-of-the-tests" } } };
        using (var revoked = await stage.Gateways[0].Client.SendAsync(revoke, TestContext.Current.CancellationToken))
        {
            Assert.Equal(HttpStatusCode.NoContent, revoked.StatusCode);
        }

        using (var at = await stage.AskAsync(gateway: 0, key: key))
        {
            Assert.Equal(HttpStatusCode.Unauthorized, at.StatusCode);
        }

        await BecomesAsync(isValid: false);

        // Who asks so often with a wrong key is told to wait.
        Task BecomesAsync(bool isValid) => Eventually.AnswersAsync<bool>(
            async () =>
            {
                using var answer = await stage.AskAsync(gateway: 1, key: key);
                Assert.Contains(answer.StatusCode, (HttpStatusCode[])[HttpStatusCode.OK, HttpStatusCode.Unauthorized, HttpStatusCode.TooManyRequests]);
                return answer.IsSuccessStatusCode == isValid ? true : null;
            },
            $"the other instance to find the key {(isValid ? "valid" : "invalid")}",
            TimeSpan.FromSeconds(5));
    }

    [Fact]
    public async Task With_the_database_away_known_keys_go_on_and_unknown_ones_cannot_be_told()
    {
        await using var proxy = new FaultProxy(postgres.Port);
        await using var stage = await StartAsync("\"rpm\": 1000000", await postgres.CreateDatabaseAsync(proxy.Port));
        var key = await KeyTests.MintAsync(stage.Gateways[0], """{ "name": "known" }""");
        using (var mistyped = await stage.AskAsync(key: key + "x"))
        {
            Assert.Equal(HttpStatusCode.Unauthorized, mistyped.StatusCode);
        }

        proxy.Set(FaultMode.Refuse);
        await Eventually.AnswersAsync<bool>(
            async () =>
            {
                using var known = await stage.AskAsync(key: key);
                using var configured = await stage.AskAsync();
                Assert.Equal((HttpStatusCode.OK, HttpStatusCode.OK), (known.StatusCode, configured.StatusCode));
                using var unknown = await stage.AskAsync(key: LlmGateway.Access.MintedKeyText.Create());
                return unknown.StatusCode == HttpStatusCode.ServiceUnavailable ? true : null;
            },
            "the unknown key not to be judged");
        using var refused = await stage.Gateway.SendAsync("/admin/keys", """{ "name": "late" }""", ("Authorization", "Bearer sk-admin-of-the-tests"));
        Assert.Equal("store_unavailable", (await OpenAiError.ReadAsync(refused)).Code);
        Assert.True(proxy.Faults > 0);
        Assert.DoesNotContain(key, stage.Gateway.Log.Text, StringComparison.Ordinal);
    }

    /// <summary>Asks so often at once, all streams held open until the rest is refused; answers how many reached the provider.</summary>
    private static async Task<int> AskGatedAsync(LimitedStage stage, int count, int expected)
    {
        var gate = new Gate();
        var before = stage.Provider.Requests.Count;
        stage.Provider.AlwaysAnswers(_ => LimitTests.SlowStream(gate));
        var asking = Enumerable.Range(0, count).Select(async i =>
        {
            using var answer = await stage.AskAsync(gateway: i % stage.Gateways.Count, isStreaming: true);
            if (!answer.IsSuccessStatusCode)
            {
                Assert.Equal("insufficient_quota", (await OpenAiError.ReadAsync(answer)).Code);
            }

            await answer.Content.ReadAsByteArrayAsync();
        }).ToList();
        await Eventually.TrueAsync(() => asking.Count(task => task.IsCompleted) >= count - expected || stage.Provider.Requests.Count - before > expected, "the refusals");
        var degraded = 0.0;
        foreach (var gateway in stage.Gateways)
        {
            degraded += await DegradedAsync(gateway);
        }

        TestContext.Current.TestOutputHelper?.WriteLine($"{degraded} decisions without a store");
        gate.Release();
        await Task.WhenAll(asking);
        stage.Provider.AlwaysAnswers(_ => Script.Json(LimitedStage.Answer(1)));
        return stage.Provider.Requests.Count - before;
    }

    /// <summary>Waits until every gateway asks Redis again, by calls that no budget holds and that so cost nothing.</summary>
    private static async Task SettledAsync(LimitedStage stage)
    {
        for (var i = 0; i < stage.Gateways.Count; i++)
        {
            var (gateway, at) = (stage.Gateways[i], i);
            await Eventually.AnswersAsync<bool>(
                async () =>
                {
                    var before = await DegradedAsync(gateway);
                    using var refused = await stage.AskAsync(maxTokens: 1000, gateway: at);
                    Assert.Equal(HttpStatusCode.TooManyRequests, refused.StatusCode);
                    return await DegradedAsync(gateway) == before ? true : null;
                },
                "Redis to be asked again");
        }
    }

    private static async Task<double> DegradedAsync(GatewayUnderTest gateway) => (await gateway.MetricsAsync()).Sum("llm_gateway_degraded_decisions_total");

    /// <summary>Streams that go on until the provider ends them.</summary>
    private static async Task<List<HttpResponseMessage>> OpenAsync(LimitedStage stage, int count)
    {
        var answers = new List<HttpResponseMessage>();
        for (var i = 0; i < count; i++)
        {
            answers.Add(await stage.AskAsync(gateway: i % stage.Gateways.Count, isStreaming: true));
            Assert.Equal(HttpStatusCode.OK, answers[^1].StatusCode);
        }

        return answers;
    }

    private static RedisStore StoreOf(GatewayUnderTest gateway) => gateway.Services.GetRequiredService<RedisStore>();

    private static async Task AskEachAsync(LimitedStage stage, int count)
    {
        for (var i = 0; i < count; i++)
        {
            using var answer = await stage.AskAsync(gateway: i % stage.Gateways.Count);
            Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
            await answer.Content.ReadAsByteArrayAsync();
        }
    }

    private async Task<LimitedStage> StartAsync(string limits, string database, params string[] entries)
    {
        var stage = await LimitedStage.StartNamedAsync(_key, limits, 2, gateway => Configure(gateway, database), entries);
        await UpAsync(stage);
        return stage;
    }

    private void Configure(GatewayUnderTest gateway, string database) => gateway.WithVariable("REDIS_URL", redis.Url).WithVariable("DATABASE_URL", database);

    private static Task UpAsync(LimitedStage stage) => Eventually.TrueAsync(
        () => stage.Gateways.All(gateway => gateway.Services.GetRequiredService<RedisStore>().IsUp), "Redis to be found");

    private Task<string> BudgetAsync(string field) => redis.CommandAsync(
        "EVAL", "local keys = redis.call('KEYS', ARGV[1]) return keys[1] and redis.call('HGET', keys[1], ARGV[2]) or ''", "0",
        $"llm-gateway:{{{Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(System.Text.Encoding.UTF8.GetBytes(_key)).AsSpan(0, 16))}}}:budget:*", field);
}
