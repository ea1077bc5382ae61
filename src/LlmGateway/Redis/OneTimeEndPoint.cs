using System.Net;
using System.Net.Sockets;

namespace LlmGateway.Redis;

/// <summary>
/// An address that can be connected to once. The client library connects again by itself, at once and then each second, and cannot be told
/// not to; here its later tries end inside this machine, at a port where nobody can listen, and when to try again is the store's to say.
/// </summary>
internal sealed class OneTimeEndPoint(IPAddress address, int port) : IPEndPoint(address, port)
{
    private readonly TaskCompletionSource _missed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _isUsed;

    /// <summary>Done when it was tried a second time: the first connection did not come about, or has ended.</summary>
    public Task Missed => _missed.Task;

    /// <summary>What a socket asks for when it connects.</summary>
    public override SocketAddress Serialize()
    {
        if (Interlocked.Exchange(ref _isUsed, 1) == 0)
        {
            return base.Serialize();
        }

        _missed.TrySetResult();
        return new IPEndPoint(AddressFamily == AddressFamily.InterNetworkV6 ? IPAddress.IPv6Loopback : IPAddress.Loopback, 0).Serialize();
    }
}
