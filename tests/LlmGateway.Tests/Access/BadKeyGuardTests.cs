using System.Net;
using LlmGateway.Access;
using LlmGateway.Telemetry;

namespace LlmGateway.Tests.Access;

public sealed class BadKeyGuardTests
{
    [Fact]
    public void Note_beyond_the_limit_refuses_until_the_window_is_over()
    {
        var time = new FakeTime();
        var guard = new BadKeyGuard(new GatewayMetrics(), time);
        var address = IPAddress.Parse("192.0.2.1");

        for (var i = 0; i < BadKeyGuard.MostTries; i++)
        {
            Assert.Null(guard.Note(address));
        }

        time.Advance(TimeSpan.FromSeconds(4));
        var refusal = guard.Note(address);
        Assert.Equal((429, "rate_limit_exceeded", TimeSpan.FromSeconds(6)), (refusal!.Status, refusal.Code, refusal.RetryAfter!.Value));
        Assert.Null(guard.Note(IPAddress.Parse("192.0.2.2")));
        Assert.NotNull(guard.Note(IPAddress.Parse("::ffff:192.0.2.1")));

        time.Advance(TimeSpan.FromSeconds(7));
        Assert.Null(guard.Note(address));
    }

    [Fact]
    public void Addresses_of_one_IPv6_network_are_one()
    {
        var guard = new BadKeyGuard(new GatewayMetrics(), new FakeTime());

        for (var i = 0; i < BadKeyGuard.MostTries; i++)
        {
            Assert.Null(guard.Note(IPAddress.Parse($"2001:db8:1:2::{i + 1:x}")));
        }

        Assert.NotNull(guard.Note(IPAddress.Parse("2001:db8:1:2:ffff::1")));
        Assert.Null(guard.Note(IPAddress.Parse("2001:db8:1:3::1")));
    }

    [Fact]
    public void Very_many_addresses_cost_no_more_than_the_bound()
    {
        var guard = new BadKeyGuard(new GatewayMetrics(), new FakeTime());

        for (var i = 0; i < 12_000; i++)
        {
            guard.Note(new IPAddress([10, (byte)(i >> 16), (byte)(i >> 8), (byte)i]));
        }

        Assert.NotNull(guard.Note(IPAddress.Parse("203.0.113.7")));
    }
}
