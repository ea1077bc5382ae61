using System.Net.Sockets;
using System.Runtime.CompilerServices;

namespace LlmGateway.Resilience;

/// <summary>
/// One connection to a provider, over which a body goes out whole before an answer is read: HttpClient does it so in HTTP/1.1. A provider that
/// has answered meanwhile and closed, because the body is too large for it, breaks what is still being written; what it has said counts.
/// </summary>
internal sealed class ProviderStream(Socket socket) : NetworkStream(socket, ownsSocket: true)
{
    private const int Idle = 0;
    private const int Reading = 1;
    private const int Received = 2;

    private int _read;
    private bool _isRefusing;
    private TaskCompletionSource? _readEnded;

    /// <summary>Before a connection is used again a read is begun on it; what comes while a body goes out is that read's.</summary>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        Volatile.Write(ref _read, Reading);
        var count = 0;
        try
        {
            count = await base.ReadAsync(buffer, cancellationToken);
            return count;
        }
        finally
        {
            Interlocked.Exchange(ref _read, count > 0 ? Received : Idle);
            Volatile.Read(ref _readEnded)?.TrySetResult();
        }
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
        catch (IOException broken) when (broken.InnerException is SocketException)
        {
            if (!await HasAnswerAsync(cancellationToken))
            {
                throw;
            }

            // The rest goes nowhere, and the answer is read. The connection ends with it.
            _isRefusing = true;
        }
    }

    /// <summary>Whether something came before the connection broke. A read under way has ended with it, and may be about to say so.</summary>
    private async ValueTask<bool> HasAnswerAsync(CancellationToken cancellationToken)
    {
        var ended = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Interlocked.Exchange(ref _readEnded, ended);
        if (Volatile.Read(ref _read) == Reading)
        {
            await ended.Task.WaitAsync(cancellationToken);
        }

        try
        {
            return Volatile.Read(ref _read) == Received || Socket.Available > 0;
        }
        catch (Exception gone) when (gone is ObjectDisposedException or SocketException)
        {
            return false;
        }
    }
}
