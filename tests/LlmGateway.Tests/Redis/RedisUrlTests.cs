using System.Net;
using LlmGateway.Redis;

namespace LlmGateway.Tests.Redis;

public sealed class RedisUrlTests
{
    [Theory]
    [InlineData("redis://cache", "cache:6379", null, 0, false)]
    [InlineData("redis://cache/", "cache:6379", null, 0, false)]
    [InlineData("redis://cache:7000", "cache:7000", null, 0, false)]
    [InlineData("redis://cache:7000/3", "cache:7000", null, 3, false)]
    [InlineData("redis://cache/15", "cache:6379", null, 15, false)]
    [InlineData("REDIS://cache", "cache:6379", null, 0, false)]
    [InlineData("  redis://cache  ", "cache:6379", null, 0, false)]
    [InlineData("rediss://cache:6380/1", "cache:6380", null, 1, true)]
    [InlineData("RedisS://cache", "cache:6379", null, 0, true)]
    [InlineData("redis://:secret@cache:7000/2", "cache:7000", "secret", 2, false)]
    [InlineData("redis://default:secret@cache", "cache:6379", "secret", 0, false)]
    [InlineData("redis://secret@cache", "cache:6379", "secret", 0, false)]
    [InlineData("redis://:a@b@cache", "cache:6379", "a@b", 0, false)]
    [InlineData("redis://:a:b@cache", "cache:6379", "a:b", 0, false)]
    [InlineData("redis://:p%40ss%3A%2F%25%20w%C3%B6rd@cache", "cache:6379", "p@ss:/% wörd", 0, false)]
    [InlineData("redis://:a+b@cache", "cache:6379", "a+b", 0, false)]
    [InlineData("redis://127.0.0.1:7000", "127.0.0.1:7000", null, 0, false)]
    [InlineData("redis://[::1]", "[::1]:6379", null, 0, false)]
    [InlineData("redis://[2001:db8::1]:7000/4", "[2001:db8::1]:7000", null, 4, false)]
    [InlineData("rediss://:secret@[::1]:7000", "[::1]:7000", "secret", 0, true)]
    [InlineData("cache", "cache:6379", null, 0, false)]
    [InlineData("cache:7000", "cache:7000", null, 0, false)]
    [InlineData("one:7000,two:7001,three", "one:7000 two:7001 three:6379", null, 0, false)]
    [InlineData("redis://:secret@one, two:7001 /5", "one:6379 two:7001", "secret", 5, false)]
    [InlineData("rediss://one,[::1]:7001", "one:6379 [::1]:7001", null, 0, true)]
    public void Every_form_is_understood(string url, string hosts, string? password, int database, bool isTls)
    {
        Assert.True(RedisUrl.TryParse(url, out var options, out var problem), problem);

        Assert.NotNull(options);
        Assert.Equal(hosts, string.Join(' ', options.EndPoints.Select(Text)));
        Assert.Equal((password, database, isTls), (options.Password, options.DefaultDatabase, options.Ssl));
        Assert.Null(problem);
    }

    [Theory]
    [InlineData("")]
    [InlineData("redis://")]
    [InlineData("redis://:secret@")]
    [InlineData("redis://,")]
    [InlineData("http://cache")]
    [InlineData("redis+tls://cache")]
    [InlineData("redis://cache:port")]
    [InlineData("redis://cache:0")]
    [InlineData("redis://cache:65536")]
    [InlineData("redis://cache:-1")]
    [InlineData("redis://cache:")]
    [InlineData("redis://cache/one")]
    [InlineData("redis://cache/-1")]
    [InlineData("redis://cache/99999999999")]
    [InlineData("redis://a b")]
    [InlineData("redis://one,two:port")]
    [InlineData("redis://2001:db8::1")]
    [InlineData("redis://ann:canary@cache")]
    [InlineData("redis://:canary@cache:port")]
    [InlineData("redis://:canary@cache/one")]
    public void What_is_wrong_is_said_without_the_password(string url)
    {
        Assert.False(RedisUrl.TryParse(url, out var options, out var problem));

        Assert.Null(options);
        Assert.NotNull(problem);
        Assert.DoesNotContain("canary", problem, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("rediss://one", "one")]
    [InlineData("rediss://one:7000,two:7001", null)]
    [InlineData("rediss://[::1]", null)]
    [InlineData("rediss://one,[::1]", null)]
    public void Of_several_hosts_each_is_to_prove_its_own_name(string url, string? name)
    {
        Assert.True(RedisUrl.TryParse(url, out var options, out _));

        // None: the client takes the name of the host that it connects to.
        Assert.Equal(name, options!.SslHost);
    }

    [Fact]
    public void A_user_is_refused_as_such()
    {
        Assert.False(RedisUrl.TryParse("redis://ann:canary@cache", out _, out var problem));

        Assert.Contains("user", problem, StringComparison.Ordinal);
    }

    private static string Text(EndPoint point) => point switch
    {
        DnsEndPoint dns => $"{dns.Host}:{dns.Port}",
        _ => point.ToString()!,
    };
}
