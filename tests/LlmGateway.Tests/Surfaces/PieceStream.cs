namespace LlmGateway.Tests.Surfaces;

/// <summary>Bytes that come in the given pieces, one a read; a read of no bytes takes none.</summary>
internal sealed class PieceStream(byte[] bytes, int[] cuts) : MemoryStream(bytes, writable: false)
{
    private readonly Queue<int> _ends = new([.. cuts, bytes.Length]);

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (buffer.IsEmpty || !_ends.TryPeek(out var end))
        {
            return new(0);
        }

        var read = Read(buffer.Span[..Math.Min(buffer.Length, end - (int)Position)]);
        if (Position == end)
        {
            _ends.Dequeue();
        }

        return new(read);
    }
}
