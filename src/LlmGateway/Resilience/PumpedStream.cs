using LlmGateway.Providers.Wire;

namespace LlmGateway.Resilience;

/// <summary>
/// A body of the gateway's own making that is pumped out of another one, event by event, as it is read. It answers reads as a socket does:
/// one of no bytes waits until there is something to read (YARP waits so, without holding a buffer), and a silent source costs no buffer here.
/// </summary>
internal abstract class PumpedStream : ReadOnlyStream
{
    private const int ReadSize = 16 * 1024;

    /// <summary>Read from the source and not consumed yet.</summary>
    protected PooledBuffer Input { get; } = new();

    /// <summary>Ready to be read.</summary>
    protected PooledBuffer Output { get; } = new();

    /// <summary>Whether nothing will be added to <see cref="Output"/> any more.</summary>
    protected bool HasEnded { get; set; }

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (Output.Length > 0)
        {
            return new(buffer.IsEmpty ? 0 : Output.MoveTo(buffer.Span));
        }

        return HasEnded ? new(0) : ReadMoreAsync(buffer, cancellationToken);
    }

    /// <summary>One read from the source, and all that follows from it.</summary>
    protected abstract ValueTask PumpAsync(CancellationToken cancellationToken);

    /// <summary>Nobody reads now.</summary>
    protected virtual void Pause()
    {
    }

    /// <summary>Somebody waits for more.</summary>
    protected virtual void Resume()
    {
    }

    /// <summary>One read from <paramref name="source"/> into <see cref="Input"/>; 0 at its end.</summary>
    protected async ValueTask<int> FillAsync(Stream source, CancellationToken cancellationToken)
    {
        if (Input.Length == 0)
        {
            // Holds no buffer while the source is silent.
            _ = await source.ReadAsync(Memory<byte>.Empty, cancellationToken);
        }

        var read = await source.ReadAsync(Input.GetMemory(ReadSize), cancellationToken);
        Input.Advance(read);
        if (read == 0 && Input.Length == 0)
        {
            Input.Release();
        }

        return read;
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            Input.Release();
            Output.Release();
        }

        base.Dispose(disposing);
    }

    private async ValueTask<int> ReadMoreAsync(Memory<byte> buffer, CancellationToken cancellationToken)
    {
        Resume();
        while (Output.Length == 0 && !HasEnded)
        {
            await PumpAsync(cancellationToken);
        }

        Pause();
        return buffer.IsEmpty ? 0 : Output.MoveTo(buffer.Span);
    }
}
