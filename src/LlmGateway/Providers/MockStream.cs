using LlmGateway.Model;
using LlmGateway.Providers.Wire;

namespace LlmGateway.Providers;

/// <summary>
/// A reply's body that comes in pieces, one a read, with pauses between them, and ends as it was told to. Nothing runs in the background:
/// each read makes the next piece due. A read of no bytes waits until there is something to read, as a socket's does.
/// </summary>
internal sealed class MockStream(IReadOnlyList<byte[]> pieces, TimeSpan pause, MockFailure end, TimeProvider time) : ReadOnlyStream
{
    private int _next;
    private ReadOnlyMemory<byte> _unread;

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        if (_unread.IsEmpty)
        {
            await TakeNextAsync(cancellationToken);
        }

        var count = Math.Min(buffer.Length, _unread.Length);
        _unread[..count].CopyTo(buffer);
        _unread = _unread[count..];
        return count;
    }

    private async ValueTask TakeNextAsync(CancellationToken cancellationToken)
    {
        if (_next < pieces.Count)
        {
            if (_next > 0 && pause > TimeSpan.Zero)
            {
                await Task.Delay(pause, time, cancellationToken);
            }

            _unread = pieces[_next++];
            return;
        }

        switch (end)
        {
            case MockFailure.Cut:
                throw new HttpIOException(HttpRequestError.ResponseEnded, "The mock provider cut its reply off.");
            case MockFailure.Stall:
                await Task.Delay(Timeout.InfiniteTimeSpan, time, cancellationToken);
                break;
        }
    }
}
