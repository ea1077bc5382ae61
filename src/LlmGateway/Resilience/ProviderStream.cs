using System.Net.Sockets;
using System.Runtime.CompilerServices;

namespace LlmGateway.Resilience;

/// <summary>
/// One connection to a provider, over which a body goes out whole before an answer is read: HttpClient does it so in HTTP/1.1. A provider that
/// has answered meanwhile and closed, because the body is too large for it, breaks what is still being written; what it has said counts.
/// </summary>
internal sealed class ProviderStream(Socket socket) : NetworkStream(socket, ownsSocket: true)
{
    private volatile bool _hasReceived;
    private bool _isRefusing;

    /// <summary>Before a connection is used again a read is begun on it; what comes while a body goes out is that read's.</summary>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        _hasReceived = false;
        var read = await base.ReadAsync(buffer, cancellationToken);
        _hasReceived = read > 0;
        return read;
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (_isRefusing)
        {
            return;
        }

        try
        {
            await base.WriteAsync(buffer, cancellationToken);
        }
        catch (IOException broken) when (broken.InnerException is SocketException && (_hasReceived || Socket.Available > 0))
        {
            // The rest goes nowhere, and the answer is read. The connection ends with it.
            _isRefusing = true;
        }
    }
}
