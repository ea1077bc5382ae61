using System.Globalization;
using LlmGateway.FunctionalTests.Infrastructure;

namespace LlmGateway.FunctionalTests;

/// <summary>The verb <c>check</c> with a real Redis and a real PostgreSQL.</summary>
[Collection(nameof(SharedStoresCollection))]
public sealed class CheckStoresTests(RedisServer redis, PostgresServer postgres)
{
    [Fact]
    public async Task Stores_that_answer_are_well()
    {
        var output = await CheckAsync(redis.Url, await postgres.CreateDatabaseAsync());

        Assert.Contains(string.Create(CultureInfo.InvariantCulture, $"ok    REDIS_URL: answers at 127.0.0.1:{redis.Port}, database 0"), output);
        Assert.Contains(string.Create(CultureInfo.InvariantCulture, $"ok    DATABASE_URL: PostgreSQL answers at 127.0.0.1:{postgres.Port}"), output);
        Assert.DoesNotContain("canary", output);
    }

    [Fact]
    public async Task Databases_that_are_not_there_are_failures()
    {
        var output = await CheckAsync(RedisServer.UrlAt(redis.Port, 4000), postgres.Url("nowhere", postgres.Port));

        Assert.Contains("FAIL  REDIS_URL: Redis at 127.0.0.1", output);
        Assert.Contains("has no such database", output);
        Assert.Contains("FAIL  DATABASE_URL: PostgreSQL has no such database", output);
        Assert.DoesNotContain("canary", output);
    }

    [Fact]
    public async Task A_wrong_password_is_a_failure()
    {
        Assert.Equal("+OK", await redis.CommandAsync("CONFIG", "SET", "requirepass", "canary-right"));
        try
        {
            var url = await postgres.CreateDatabaseAsync();
            var output = await CheckAsync($"redis://:canary-wrong@127.0.0.1:{redis.Port}/0", url.Replace("canary-pg", "canary-no", StringComparison.Ordinal));

            Assert.Contains("refuses the password, or wants one", output);
            Assert.Contains("refuses user or password", output);
            Assert.DoesNotContain("canary", output);
            Assert.Contains("wants one", await CheckAsync(redis.Url, url));
            Assert.Contains("ok    REDIS_URL: answers", await CheckAsync($"redis://:canary-right@127.0.0.1:{redis.Port}/0", url));
        }
        finally
        {
            Assert.Equal("+OK", await redis.LoginCommandAsync("canary-right", "CONFIG", "SET", "requirepass", ""));
        }
    }

    private static async Task<string> CheckAsync(string redisUrl, string databaseUrl)
    {
        using var folder = new GatewayFolder();
        await using var process = GatewayProcess.Start(folder, ["check"], ("REDIS_URL", redisUrl), ("DATABASE_URL", databaseUrl), ("OLLAMA_BASE_URL", GatewayUnderTest.NoProvider));
        Assert.Equal(1, await process.WaitForExitAsync());
        return process.AllText;
    }
}
