using LlmGateway.Providers.Wire;

namespace LlmGateway.Api;

/// <summary>A response's body of which the first bytes are kept as they go out. Nothing is held back.</summary>
/// <param name="body">Where all of it goes.</param>
/// <param name="most">So many bytes are kept.</param>
internal sealed class AnswerCopy(Stream body, int most) : WriteOnlyStream
{
    private readonly MemoryStream _kept = new();

    public ReadOnlyMemory<byte> Kept => _kept.GetBuffer().AsMemory(0, (int)_kept.Length);

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        Keep(buffer.Span);
        return body.WriteAsync(buffer, cancellationToken);
    }

    public override void Write(byte[] buffer, int offset, int count)
    {
        Keep(buffer.AsSpan(offset, count));
        body.Write(buffer, offset, count);
    }

    public override Task FlushAsync(CancellationToken cancellationToken) => body.FlushAsync(cancellationToken);

    public override void Flush() => body.Flush();

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _kept.Dispose();
        }

        base.Dispose(disposing);
    }

    private void Keep(ReadOnlySpan<byte> bytes) => _kept.Write(bytes[..Math.Min(bytes.Length, most - (int)_kept.Length)]);
}
