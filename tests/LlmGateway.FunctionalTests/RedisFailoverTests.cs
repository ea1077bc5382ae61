using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using LlmGateway.FunctionalTests.Infrastructure;
using LlmGateway.Redis;
using Microsoft.Extensions.DependencyInjection;

namespace LlmGateway.FunctionalTests;

/// <summary>A replica takes over from the Redis that two gateways share, in the midst of their load.</summary>
[Collection(nameof(SharedStoresCollection))]
public sealed class RedisFailoverTests(RedisServer redis, PostgresServer postgres, ITestOutputHelper output)
{
    private const int AtOnce = 6;

    [Fact]
    public async Task A_replica_that_takes_over_is_found_and_nothing_is_spent_twice()
    {
        await using var second = new RedisServer();
        await second.InitializeAsync();
        await second.CommandAsync("REPLICAOF", "127.0.0.1", Port(redis));
        await Eventually.AnswersAsync<bool>(async () => await FieldAsync(second, "master_link_status") == "up" ? true : null, "the replica to follow");
        var database = await postgres.CreateDatabaseAsync();
        try
        {
            await using var stage = await LimitedStage.StartNamedAsync("failover", "\"rpm\": 1000000, \"budget_usd\": 1000000, \"budget_period\": \"month\"", 2, gateway => gateway
                .WithVariable("REDIS_URL", $"redis://127.0.0.1:{Port(redis)},127.0.0.1:{Port(second)}").WithVariable("DATABASE_URL", database));
            await UpAsync(stage);
            var answered = new ConcurrentQueue<HttpStatusCode>();
            using var stop = new CancellationTokenSource();
            var load = Task.WhenAll(Enumerable.Range(0, AtOnce).Select(i => AskAsync(stage, i % 2, answered, stop.Token)));
            await Eventually.TrueAsync(() => answered.Count > 100, "a load");
            Assert.Equal(("master", "slave"), (await FieldAsync(redis, "role"), await FieldAsync(second, "role")));
            await Eventually.AnswersAsync<bool>(async () => await SpentAsync(second) > 0 ? true : null, "the replica to have something");

            // As when a watchdog acts: the new one leads before the old one knows; what the old one takes in between is lost.
            var since = Stopwatch.GetTimestamp();
            await second.CommandAsync("REPLICAOF", "NO", "ONE");
            var known = await SpentAsync(second);
            await redis.CommandAsync("REPLICAOF", "127.0.0.1", Port(second));

            Assert.Equal(("slave", "master"), (await FieldAsync(redis, "role"), await FieldAsync(second, "role")));
            Assert.StartsWith("-READONLY", await redis.CommandAsync("SET", "any", "1"), StringComparison.Ordinal);
            await Eventually.AnswersAsync<bool>(async () => await SpentAsync(second) > known ? true : null, "spending to be known to the new one");
            var found = Stopwatch.GetElapsedTime(since);
            await UpAsync(stage);
            var more = answered.Count + 100;
            await Eventually.TrueAsync(() => answered.Count > more, "the load to go on");
            await stop.CancelAsync();
            await load;

            Assert.All(answered, status => Assert.Equal(HttpStatusCode.OK, status));
            Assert.InRange(found, TimeSpan.Zero, TimeSpan.FromSeconds(5));
            Assert.All(stage.Gateways, gateway => Assert.Contains(gateway.Log.Lines, line => line.Message.Contains("(READONLY)", StringComparison.Ordinal)));
            Assert.All(stage.Gateways, gateway => Assert.True(gateway.Services.GetRequiredService<RedisStore>().IsUp));

            // One record and one charge for each; the new Redis never has more than the ledger, and less only by what the old one took last.
            var recorded = 0L;
            await Eventually.AnswersAsync<bool>(
                async () =>
                {
                    var row = Assert.Single(await postgres.QueryAsync(database, "SELECT COUNT(*) AS count, COUNT(DISTINCT id) AS ids, CAST(COALESCE(SUM(cost_micro_usd), 0) AS BIGINT) AS cost FROM request_records"));
                    (recorded, var count) = ((long)row["cost"]!, (long)row["count"]!);
                    return count == answered.Count && (long)row["ids"]! == count ? true : null;
                },
                "all records");
            Assert.Equal(answered.Count * 1_000_000L, recorded);
            var later = await LapseAsync(stage, async () => await BudgetAsync(second, "open") is "0" or "-0");
            var enforced = await SpentAsync(second);
            output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"H07: {answered.Count} requests on two gateways, 0 failed; the new master led {found.TotalMilliseconds:0} ms after; enforced {enforced / 1_000_000} of {recorded / 1_000_000} dollars"));
            Assert.InRange(enforced, known, recorded + (later * 1_000_000L));
        }
        finally
        {
            await redis.CommandAsync("REPLICAOF", "NO", "ONE");
        }
    }

    /// <summary>
    /// Until nothing is set aside; answers how many requests that took. The end of a call of which only the old master was told is forgotten with
    /// it: what the call had set aside lapses after half a minute, seen by the next call.
    /// </summary>
    private static async Task<int> LapseAsync(LimitedStage stage, Func<Task<bool>> isNothingSetAside)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        using var timer = new PeriodicTimer(TimeSpan.FromSeconds(1));
        for (var requests = 0; ; requests++)
        {
            for (var look = 0; look < 2; look++)
            {
                await timer.WaitForNextTickAsync(limit.Token);
                if (await isNothingSetAside())
                {
                    return requests;
                }
            }

            using var answer = await stage.AskAsync();
            Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        }
    }

    private static async Task AskAsync(LimitedStage stage, int gateway, ConcurrentQueue<HttpStatusCode> answered, CancellationToken stop)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(30));
        while (!stop.IsCancellationRequested)
        {
            using var answer = await stage.AskAsync(gateway: gateway);
            await answer.Content.ReadAsByteArrayAsync(CancellationToken.None);
            answered.Enqueue(answer.StatusCode);
            await timer.WaitForNextTickAsync(CancellationToken.None);
        }
    }

    private static Task UpAsync(LimitedStage stage) => Eventually.TrueAsync(
        () => stage.Gateways.All(gateway => gateway.Services.GetRequiredService<RedisStore>().IsUp), "Redis to be found");

    private static string Port(RedisServer server) => server.Port.ToString(CultureInfo.InvariantCulture);

    private static Task<string> FieldAsync(RedisServer server, string name) =>
        server.CommandAsync("EVAL", $"return string.match(redis.call('INFO', 'replication'), '{name}:(%a+)') or ''", "0");

    private static async Task<long> SpentAsync(RedisServer server) => long.TryParse(await BudgetAsync(server, "spent"), CultureInfo.InvariantCulture, out var spent) ? spent : 0;

    private static Task<string> BudgetAsync(RedisServer server, string field) => server.CommandAsync(
        "EVAL", "local keys = redis.call('KEYS', ARGV[1]) return keys[1] and redis.call('HGET', keys[1], ARGV[2]) or ''", "0",
        $"llm-gateway:{{{Convert.ToHexStringLower(SHA256.HashData("failover"u8).AsSpan(0, 16))}}}:budget:*", field);
}
