using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using LlmGateway.FunctionalTests.Infrastructure;
using LlmGateway.Limits;
using LlmGateway.Redis;
using Microsoft.Extensions.DependencyInjection;

namespace LlmGateway.FunctionalTests;

/// <summary>Limits that two instances share in a real Redis, and what becomes of them when it fails.</summary>
[Collection(nameof(RedisCollection))]
public sealed class RedisLimitTests(RedisServer redis, ITestOutputHelper output)
{
    private static int _name;

    /// <summary>A name of its own for each test: state in Redis is by name.</summary>
    private readonly string _key = string.Create(CultureInfo.InvariantCulture, $"shared-{Interlocked.Increment(ref _name)}");

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Two_instances_together_admit_exactly_the_limit()
    {
        await using var stage = await StartAsync("\"rpm\": 100", 2);

        var statuses = await stage.AskAtOnceAsync(1000);

        var admitted = statuses.Count(status => status == HttpStatusCode.OK);
        output.WriteLine($"Q10, two instances with Redis: {admitted} of 1000 admitted at a limit of 100");

        // Redis was well, so it decided each time, however busy this process was.
        Assert.InRange(admitted, 98, 102);
        Assert.Equal(1000 - admitted, statuses.Count(status => status == HttpStatusCode.TooManyRequests));
        foreach (var gateway in stage.Gateways)
        {
            Assert.Equal(0, (await gateway.MetricsAsync()).Sum("llm_gateway_degraded_decisions_total"));
        }

        // As the window says: when the oldest of the requests falls out of it.
        var latest = await SecondsUntilRoomAsync();
        using var refused = await stage.AskAsync();
        Assert.InRange(int.Parse(refused.Headers.GetValues("retry-after").Single(), CultureInfo.InvariantCulture), await SecondsUntilRoomAsync(), latest);
        Assert.Equal("0", refused.Headers.GetValues("x-ratelimit-remaining-requests").Single());
    }

    [Fact]
    public async Task Places_are_shared_and_come_back()
    {
        await using var stage = await StartAsync("\"max_concurrency\": 2", 2);
        var (first, second) = (new Gate(), new Gate());
        stage.Provider.Answers(LimitTests.SlowStream(first), LimitTests.SlowStream(second));
        using var one = await stage.AskAsync(gateway: 0, isStreaming: true);
        var two = await stage.AskAsync(gateway: 1, isStreaming: true);

        using (var refused = await stage.AskAsync(gateway: 0))
        {
            Assert.Equal("rate_limit_exceeded", (await OpenAiError.ReadAsync(refused)).Code);
        }

        Assert.Equal(":2", await redis.CommandAsync("ZCARD", Place("running")));

        // One ends, the other's client leaves.
        first.Release();
        await one.Content.ReadAsByteArrayAsync(Cancellation);
        two.Dispose();
        await Eventually.AnswersAsync<bool>(async () => await redis.CommandAsync("ZCARD", Place("running")) == ":0" ? true : null, "both places to come back");
        using var again = await stage.AskAsync(gateway: 1);
        Assert.Equal(HttpStatusCode.OK, again.StatusCode);
    }

    [Fact]
    public async Task The_places_of_an_instance_that_died_lapse()
    {
        await using var stage = await StartAsync("\"max_concurrency\": 2", 1);
        var gate = new Gate();
        stage.Provider.Answers(LimitTests.SlowStream(gate));
        using var running = await stage.AskAsync(isStreaming: true);

        // A living instance's place lapses within half a minute unless it is renewed.
        var score = double.Parse(await redis.CommandAsync("EVAL", "return redis.call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')[2]", "1", Place("running")), CultureInfo.InvariantCulture);
        Assert.InRange(score - TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds(), 1_000, 30_000);

        // The second place is held by one that died and lapses soon.
        await redis.CommandAsync("ZADD", Place("running"), (TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds() + 700).ToString(CultureInfo.InvariantCulture), "dead:1");
        using (var refused = await stage.AskAsync())
        {
            Assert.Equal(HttpStatusCode.TooManyRequests, refused.StatusCode);
        }

        await Eventually.AnswersAsync<bool>(
            async () =>
            {
                using var answer = await stage.AskAsync();
                return answer.IsSuccessStatusCode ? true : null;
            },
            "the dead instance's place to lapse",
            TimeSpan.FromSeconds(3));
        gate.Release();
        await running.Content.ReadAsByteArrayAsync(Cancellation);
    }

    [Fact]
    public async Task Tokens_are_put_right_in_redis()
    {
        await using var stage = await StartAsync("\"tpm\": 1000", 2);
        using (var first = await stage.AskAsync(maxTokens: 900, gateway: 0))
        {
            await first.Content.ReadAsByteArrayAsync(Cancellation);
        }

        // 900 were counted, two were used: the other instance has the rest within a second.
        await Eventually.AnswersAsync<bool>(
            async () =>
            {
                using var answer = await stage.AskAsync(maxTokens: 900, gateway: 1);
                return answer.IsSuccessStatusCode ? true : null;
            },
            "the tokens that were not used",
            TimeSpan.FromSeconds(1));
    }

    [Fact]
    public async Task A_gateway_starts_without_Redis_and_joins_when_it_comes()
    {
        await redis.KillAsync();
        try
        {
            await using var stage = await StartAsync("\"rpm\": 3", 2);
            var alone = await stage.AskAtOnceAsync(10);

            // Nobody knows of the other yet: each has the whole limit.
            Assert.Equal(6, alone.Count(status => status == HttpStatusCode.OK));
            Assert.Contains("degraded", await ReadyAsync(stage), StringComparison.Ordinal);
            Assert.True((await stage.Gateway.MetricsAsync()).Value("llm_gateway_degraded_decisions_total", ("store", "redis")) >= 5);

            await redis.StartAsync();
            var since = TimeProvider.System.GetTimestamp();
            await UpAsync(stage);
            var joined = TimeProvider.System.GetElapsedTime(since);
            output.WriteLine($"H01: joined {joined.TotalMilliseconds:0} ms after Redis came");
            Assert.InRange(joined, TimeSpan.Zero, TimeSpan.FromSeconds(2));

            var together = await stage.AskAtOnceAsync(10);
            Assert.Equal(3, together.Count(status => status == HttpStatusCode.OK));
        }
        finally
        {
            await EnsureRunningAsync();
        }
    }

    [Fact]
    public async Task While_Redis_is_away_each_instance_takes_its_share()
    {
        await using var stage = await StartAsync("\"rpm\": 100", 2);
        var leases = stage.Gateways.Select(gateway => gateway.Services.GetRequiredService<SharedLeases>()).ToList();
        await Eventually.TrueAsync(() => leases.TrueForAll(lease => lease.Instances == 2), "both to know of each other");
        await redis.PauseWritesAsync();
        try
        {
            var statuses = await stage.AskAtOnceAsync(300);

            Assert.Equal(100, statuses.Count(status => status == HttpStatusCode.OK));
            Assert.Equal(200, statuses.Count(status => status == HttpStatusCode.TooManyRequests));
            Assert.All(stage.Gateways, gateway => Assert.False(gateway.Services.GetRequiredService<RedisStore>().IsUp));
        }
        finally
        {
            await redis.UnpauseAsync();
        }

        var since = TimeProvider.System.GetTimestamp();
        await UpAsync(stage);
        Assert.InRange(TimeProvider.System.GetElapsedTime(since), TimeSpan.Zero, TimeSpan.FromSeconds(2));
    }

    [Theory]
    [InlineData("NOAUTH", "CONFIG SET requirepass canary-secret", null)]
    [InlineData("OOM", "CONFIG SET maxmemory 1", "CONFIG SET maxmemory 0")]
    [InlineData("READONLY", "REPLICAOF 127.0.0.1 1", "REPLICAOF NO ONE")]
    [InlineData("TimeoutException", "CLIENT PAUSE 60000 WRITE", "CLIENT UNPAUSE")]
    public async Task No_trouble_of_Redis_reaches_a_client(string kind, string trouble, string? remedy)
    {
        await using var proxy = new FaultProxy(redis.Port);
        await using var stage = await StartAsync("\"rpm\": 1000000", 1, proxy.Port);
        if (kind == "OOM")
        {
            await redis.CommandAsync("SET", "ballast", new string('x', 100_000));
        }

        await redis.CommandAsync(trouble.Split(' '));
        if (kind == "NOAUTH")
        {
            // Connections that are there stay allowed; new ones are not.
            proxy.Set(FaultMode.Reset);
            proxy.Set(FaultMode.Pass);
        }

        var store = stage.Gateway.Services.GetRequiredService<RedisStore>();
        await Eventually.AnswersAsync<bool>(
            async () =>
            {
                using var answer = await stage.AskAsync();
                Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
                return store.IsUp ? null : true;
            },
            $"the breaker to open for {kind}");
        Assert.Contains("degraded", await ReadyAsync(stage), StringComparison.Ordinal);
        output.WriteLine($"{kind}: {store.Problem}");
        if (remedy is null)
        {
            await redis.KillAsync();
            await redis.StartAsync();
        }
        else
        {
            await redis.CommandAsync(remedy.Split(' '));
            await redis.CommandAsync("DEL", "ballast");
        }

        await UpAsync(stage);
        await Eventually.TrueAsync(() => Changes().Length >= 3, "the changes to be said");
        Assert.Equal(["answers:", "is", "answers:"], Changes());

        string[] Changes() =>
            [.. stage.Gateway.Log.Lines.Select(line => line.Message).Where(message => message.StartsWith("Redis ", StringComparison.Ordinal)).Select(message => message.Split(' ')[1])];
    }

    [Fact]
    public async Task State_of_the_wrong_kind_is_Redis_trouble_and_not_the_clients()
    {
        await using var stage = await StartAsync("\"rpm\": 1000", 1);
        await redis.CommandAsync("SET", Place("rpm"), "not a hash");

        for (var i = 0; i < 5; i++)
        {
            using var answer = await stage.AskAsync();
            Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        }

        Assert.True((await stage.Gateway.MetricsAsync()).Value("llm_gateway_degraded_decisions_total", ("store", "redis")) >= 1);
        await redis.CommandAsync("DEL", Place("rpm"));
        await UpAsync(stage);
    }

    [Fact]
    public async Task Scripts_that_Redis_has_forgotten_are_sent_again()
    {
        await using var stage = await StartAsync("\"rpm\": 1000", 1);
        (await stage.AskAsync()).Dispose();
        await redis.CommandAsync("SCRIPT", "FLUSH");

        (await stage.AskAsync()).Dispose();

        Assert.Equal("2", await redis.CommandAsync("HGET", Place("rpm"), "t"));
        Assert.True(stage.Gateway.Services.GetRequiredService<RedisStore>().IsUp);
    }

    [Fact]
    public async Task A_Redis_that_comes_and_goes_fails_no_request()
    {
        await using var proxy = new FaultProxy(redis.Port);
        await using var stage = await StartAsync("\"rpm\": 1000000, \"max_concurrency\": 100", 1, proxy.Port);
        using var stop = new CancellationTokenSource();
        var asked = 0;
        var asking = Task.WhenAll(Enumerable.Range(0, 4).Select(async _ =>
        {
            while (!stop.IsCancellationRequested)
            {
                using var answer = await stage.AskAsync();
                Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
                Interlocked.Increment(ref asked);
            }
        }));
        var store = stage.Gateway.Services.GetRequiredService<RedisStore>();
        var (before, since) = (proxy.Connections, Stopwatch.GetTimestamp());
        for (var flap = 0; flap < 3; flap++)
        {
            proxy.Set(flap % 2 == 0 ? FaultMode.Reset : FaultMode.Refuse);
            await Eventually.TrueAsync(() => !store.IsUp, "the breaker to open");
            proxy.Set(FaultMode.Pass);
            await Eventually.TrueAsync(() => store.IsUp, "the breaker to close");
        }

        await stop.CancelAsync();
        await asking;
        output.WriteLine($"H10: three flaps, {asked} requests, none failed, {proxy.Connections - before} new connections");
        Assert.True(asked > 50);
        Assert.True(proxy.Faults > 0);

        // One connection each time, and never two within a second.
        Assert.InRange(proxy.Connections - before, 3, (int)Stopwatch.GetElapsedTime(since).TotalSeconds + 1);
    }

    [Fact]
    public async Task A_slow_Redis_is_waited_for_no_longer_than_its_patience()
    {
        await using var proxy = new FaultProxy(redis.Port);
        await using var stage = await StartAsync("\"rpm\": 1000000", 1, proxy.Port);
        foreach (var delay in (int[])[10, 500])
        {
            proxy.Delay = TimeSpan.FromMilliseconds(delay);
            for (var i = 0; i < 10; i++)
            {
                var since = TimeProvider.System.GetTimestamp();
                using var answer = await stage.AskAsync();
                Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
                Assert.InRange(TimeProvider.System.GetElapsedTime(since), TimeSpan.Zero, TimeSpan.FromSeconds(2));
            }
        }

        Assert.True(proxy.Faults > 0);
        Assert.False(stage.Gateway.Services.GetRequiredService<RedisStore>().IsUp);
    }

    private Task<LimitedStage> StartAsync(string limits, int count, int? port = null) => StartSharedAsync(limits, count, RedisServer.UrlAt(port ?? redis.Port));

    private async Task<LimitedStage> StartSharedAsync(string limits, int count, string url)
    {
        var stage = await LimitedStage.StartNamedAsync(_key, limits, count, gateway => gateway.WithVariable("REDIS_URL", url));
        if (await IsRunningAsync())
        {
            await UpAsync(stage);
        }

        return stage;
    }

    private static Task UpAsync(LimitedStage stage) => Eventually.TrueAsync(
        () => stage.Gateways.All(gateway => gateway.Services.GetRequiredService<RedisStore>().IsUp), "Redis to be found");

    private static async Task<string> ReadyAsync(LimitedStage stage)
    {
        using var answer = await stage.Gateway.Client.GetAsync(new Uri("/health/ready", UriKind.Relative));
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        return await answer.Content.ReadAsStringAsync();
    }

    /// <summary>By Redis' own clock, and as <c>retry-after</c> is rounded.</summary>
    private async Task<int> SecondsUntilRoomAsync()
    {
        const string Script = "local t = redis.call('TIME') return tonumber(redis.call('HGET', KEYS[1], 'l' .. redis.call('HGET', KEYS[1], 'o'))) + 60000 - (t[1] * 1000 + math.floor(t[2] / 1000))";
        return (int)Math.Ceiling(int.Parse((await redis.CommandAsync("EVAL", Script, "1", Place("rpm")))[1..], CultureInfo.InvariantCulture) / 1000.0);
    }

    private string Place(string what) => $"llm-gateway:{{{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(_key)).AsSpan(0, 16))}}}:{what}";

    private async Task<bool> IsRunningAsync()
    {
        try
        {
            return await redis.CommandAsync("PING") == "+PONG";
        }
        catch (Exception gone) when (gone is IOException or System.Net.Sockets.SocketException)
        {
            return false;
        }
    }

    private async Task EnsureRunningAsync()
    {
        if (!await IsRunningAsync())
        {
            await redis.StartAsync();
        }
    }
}
