using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace LlmGateway.FunctionalTests.Infrastructure;

/// <summary>A port that refuses connections and is nobody else's while this object lives: bound, and not listened on.</summary>
internal sealed class ClosedPort : IDisposable
{
    private readonly Socket _bound = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);

    public ClosedPort()
    {
        _bound.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        BaseUrl = string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{((IPEndPoint)_bound.LocalEndPoint!).Port}");
    }

    public string BaseUrl { get; }

    public void Dispose() => _bound.Dispose();
}
