using System.Net.Sockets;
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

    // New calls would go on joining a connection whose server has vanished, each until its own time is over.
    [Fact]
    public void An_http2_connection_that_has_vanished_is_found_out_while_calls_wait_on_it()
    {
        using var handler = ProviderConnections.CreateHandler();

        Assert.True(handler.EnableMultipleHttp2Connections);
        Assert.Equal(HttpKeepAlivePingPolicy.WithActiveRequests, handler.KeepAlivePingPolicy);
        Assert.InRange(handler.KeepAlivePingDelay + handler.KeepAlivePingTimeout, TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(30));
    }

    // Each call on an HTTP/2 connection that breaks gets an exception of its own around the connection's.
    [Fact]
    public void DiedWhilePooled_BrokenSocketOrEnd_UnlessTheConnectionWasNew()
    {
        var reset = new IOException("read", new SocketException((int)SocketError.ConnectionReset));
        using var message = new HttpRequestMessage();

        Assert.True(ProviderConnections.DiedWhilePooled(message, new HttpRequestException(HttpRequestError.ResponseEnded)));
        Assert.True(ProviderConnections.DiedWhilePooled(message, new HttpRequestException("sent", reset)));
        Assert.True(ProviderConnections.DiedWhilePooled(message, new HttpRequestException("sent", new IOException("aborted", reset))));
        Assert.False(ProviderConnections.DiedWhilePooled(message, new HttpRequestException("refused", new SocketException((int)SocketError.ConnectionRefused))));
        Assert.False(ProviderConnections.DiedWhilePooled(message, new HttpRequestException(HttpRequestError.HttpProtocolError, "reset", new HttpProtocolException(8, "reset", null))));
        Assert.False(ProviderConnections.DiedWhilePooled(message, reset));
    }
}
