using LlmGateway.Resilience;

namespace LlmGateway.Tests.Resilience;

public sealed class ProviderConnectionsTests
{
    // A name that moves to another address is seen when a connection is made anew.
    [Fact]
    public void A_connection_is_made_anew_within_a_minute_and_carries_nothing_from_call_to_call()
    {
        using var handler = ProviderConnections.CreateHandler();

        Assert.InRange(handler.PooledConnectionLifetime, TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(60));
        Assert.InRange(handler.PooledConnectionIdleTimeout, TimeSpan.FromSeconds(1), handler.PooledConnectionLifetime);
        Assert.False(handler.UseProxy || handler.UseCookies || handler.AllowAutoRedirect);
        Assert.Null(handler.ActivityHeadersPropagator);
    }
}
