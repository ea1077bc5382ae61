using LlmGateway.Redis;
using LlmGateway.Telemetry;
using Microsoft.Extensions.Logging.Abstractions;
using StackExchange.Redis;

namespace LlmGateway.Tests.Redis;

/// <summary>What the store says before any Redis has answered; what it does with a real one the functional tests show.</summary>
public sealed class RedisStoreTests
{
    [Fact]
    public async Task Without_a_url_there_is_none_and_that_is_no_problem()
    {
        using var store = Create(null);
        await store.StartAsync(TestContext.Current.CancellationToken);

        Assert.False(store.IsConfigured || store.IsUp || store.IsSettling);
        Assert.Null(store.Problem);
        Assert.False((await store.RunAsync("return 1", [], [])).IsAnswered);
        await store.StopAsync(TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task Before_it_has_answered_nobody_waits_for_it()
    {
        using var store = Create(Options("redis://:canary@127.0.0.1:1"));

        var reply = store.RunAsync("return 1", [], []);

        Assert.True(reply.IsCompleted);
        Assert.False((await reply).IsAnswered);
        Assert.Equal((true, false, false), (store.IsConfigured, store.IsUp, store.IsSettling));
        Assert.Contains("has not answered yet", store.Problem, StringComparison.Ordinal);
        Assert.DoesNotContain("canary", store.Problem, StringComparison.Ordinal);
    }

    [Fact]
    public void Its_client_never_throws_at_the_start_and_never_waits_long()
    {
        var options = Options("redis://127.0.0.1:1");
        using var store = Create(options);

        Assert.False(options.AbortOnConnectFail);
        Assert.InRange(options.ConnectTimeout, 1, 2000);
        Assert.InRange(options.SyncTimeout, 1, 1000);
        Assert.Equal("llm-gateway", options.ClientName);
    }

    private static ConfigurationOptions Options(string url) => RedisUrl.TryParse(url, out var options, out var problem) ? options! : throw new ArgumentException(problem, nameof(url));

    private static RedisStore Create(ConfigurationOptions? options) => new(options, new GatewayMetrics(), new FakeTime(), NullLogger<RedisStore>.Instance);
}
