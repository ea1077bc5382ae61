namespace LlmGateway.Lifecycle;

/// <summary>
/// What one request's body takes of the heap. While it is read: three times its length, for the buffer that grows by doubling and for the
/// form in which a provider wants it; from then on, where the heap's measure shows the body itself, once its length, until the request is over.
/// </summary>
/// <param name="heap">Whom the room is taken of.</param>
internal sealed class BodyClaim(HeapGate heap) : IDisposable
{
    /// <summary>Bodies up to this length are too small to be counted: requests at once are limited too.</summary>
    public const int MostUncounted = 16 * 1024;

    /// <summary>Up to this length a body that does not say its length is counted as one of this length; beyond, as the longest that may come.</summary>
    public const int MostUnannounced = 256 * 1024;

    private const int WhileRead = 3;

    private long _taken;

    /// <summary>Makes room for a body of at most this length; false: there is none for what it is longer than was said before.</summary>
    public bool TryTake(long length)
    {
        var more = (length * WhileRead) - _taken;
        if (!heap.TryTake(more))
        {
            return false;
        }

        _taken += more;
        return true;
    }

    /// <summary>The body is in the heap; this is its length.</summary>
    public void NoteRead(long length)
    {
        heap.Return(_taken - length);
        _taken = length;
    }

    public void Dispose()
    {
        heap.ReturnEnded(_taken);
        _taken = 0;
    }
}
