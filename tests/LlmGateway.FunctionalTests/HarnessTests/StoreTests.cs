using LlmGateway.FunctionalTests.Infrastructure;
using Npgsql;

namespace LlmGateway.FunctionalTests.HarnessTests;

/// <summary>The stores that tests stop and hold up do stop and come back.</summary>
[Collection(nameof(SharedStoresCollection))]
public sealed class StoreTests(PostgresServer postgres, RedisServer redis)
{
    [Fact]
    public async Task Postgres_keeps_what_was_committed_through_a_sudden_end()
    {
        var url = await postgres.CreateDatabaseAsync();
        await postgres.ExecuteOnAsync(url, "CREATE TABLE t (x INTEGER); INSERT INTO t VALUES (7)");

        await postgres.StopImmediatelyAsync();
        await Assert.ThrowsAnyAsync<NpgsqlException>(() => postgres.QueryAsync(url, "SELECT x FROM t"));
        await postgres.StartAsync();

        Assert.Equal(7, Assert.Single(await postgres.QueryAsync(url, "SELECT x FROM t"))["x"]);
    }

    [Fact]
    public async Task Redis_is_killed_and_comes_back_empty()
    {
        await redis.CommandAsync("SET", "k", "v");
        Assert.Equal("v", await redis.CommandAsync("GET", "k"));

        await redis.KillAsync();
        await redis.StartAsync();

        Assert.Equal("$-1", await redis.CommandAsync("GET", "k"));
    }

    [Fact]
    public async Task A_proxy_passes_holds_back_and_ends_connections()
    {
        await using var proxy = new FaultProxy(redis.Port);
        using var client = new System.Net.Sockets.TcpClient();
        await client.ConnectAsync("127.0.0.1", proxy.Port, TestContext.Current.CancellationToken);
        var stream = client.GetStream();
        using var reader = new StreamReader(stream);
        await stream.WriteAsync("PING\r\n"u8.ToArray(), TestContext.Current.CancellationToken);
        Assert.Equal("+PONG", await reader.ReadLineAsync(TestContext.Current.CancellationToken));

        proxy.Set(FaultMode.Blackhole);
        await stream.WriteAsync("PING\r\n"u8.ToArray(), TestContext.Current.CancellationToken);
        await Eventually.TrueAsync(() => proxy.Faults == 1, "a piece to be held back");
        var answer = reader.ReadLineAsync(TestContext.Current.CancellationToken);
        Assert.False(answer.IsCompleted);
        proxy.Set(FaultMode.Pass);
        Assert.Equal("+PONG", await answer);

        proxy.Set(FaultMode.Reset);
        await Assert.ThrowsAsync<IOException>(async () => await reader.ReadLineAsync(TestContext.Current.CancellationToken));
    }
}
