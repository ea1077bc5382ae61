using System.Net;
using System.Net.Sockets;
using LlmGateway.Redis;

namespace LlmGateway.Tests.Redis;

/// <summary>An address leads to Redis once; what comes after is told, and stays in this machine.</summary>
public sealed class OneTimeEndPointTests
{
    [Fact]
    public async Task A_socket_gets_there_once_and_then_nowhere()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var (address, port) = (IPAddress.Loopback, ((IPEndPoint)listener.LocalEndpoint).Port);
        var point = new OneTimeEndPoint(address, port);

        using var first = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await first.ConnectAsync(point, TestContext.Current.CancellationToken);
        Assert.True(listener.Pending());
        Assert.False(point.Missed.IsCompleted);
        using var second = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        var refused = await Assert.ThrowsAsync<SocketException>(() => second.ConnectAsync(point, TestContext.Current.CancellationToken).AsTask());

        Assert.Equal(SocketError.ConnectionRefused, refused.SocketErrorCode);
        Assert.True(point.Missed.IsCompletedSuccessfully);
        using var taken = await listener.AcceptSocketAsync(TestContext.Current.CancellationToken);
        Assert.False(listener.Pending());
    }

    [Theory]
    [InlineData("127.0.0.1")]
    [InlineData("::1")]
    public void It_is_the_same_address_to_whoever_compares_it(string address)
    {
        var point = new OneTimeEndPoint(IPAddress.Parse(address), 6379);
        point.Serialize();
        var usual = new IPEndPoint(IPAddress.Parse(address), 6379);

        Assert.Equal((usual, usual.ToString(), usual.GetHashCode()), (point, point.ToString(), point.GetHashCode()));
        Assert.Equal(0, ((IPEndPoint)usual.Create(point.Serialize())).Port);
    }
}
