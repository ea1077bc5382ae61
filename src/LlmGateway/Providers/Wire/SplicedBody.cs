using System.Net;

namespace LlmGateway.Providers.Wire;

/// <summary>A body as the pieces it is made of: slices of the original and what stands between them. A large prompt is not copied to change its model.</summary>
public readonly struct SplicedBody(ReadOnlyMemory<byte>[] pieces, int length)
{
    public int Length { get; } = length;

    public static SplicedBody Whole(ReadOnlyMemory<byte> body) => new([body], body.Length);

    public byte[] ToArray()
    {
        var bytes = GC.AllocateUninitializedArray<byte>(Length);
        CopyTo(bytes);
        return bytes;
    }

    /// <summary>As content of known length. A small body is put together, so that it goes out with the headers in one write.</summary>
    public HttpContent ToContent() => pieces switch
    {
        [var whole] => new ReadOnlyMemoryContent(whole),
        _ when Length <= JoinedContent.MaxBytes => new ByteArrayContent(ToArray()),
        _ => new JoinedContent(pieces, Length),
    };

    private void CopyTo(Span<byte> bytes)
    {
        foreach (var piece in pieces)
        {
            piece.Span.CopyTo(bytes);
            bytes = bytes[piece.Length..];
        }
    }

    private sealed class JoinedContent(ReadOnlyMemory<byte>[] pieces, int length) : HttpContent
    {
        public const int MaxBytes = 8 * 1024;

        protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) => SerializeToStreamAsync(stream, context, CancellationToken.None);

        protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context, CancellationToken cancellationToken)
        {
            foreach (var piece in pieces)
            {
                await stream.WriteAsync(piece, cancellationToken);
            }
        }

        protected override bool TryComputeLength(out long result)
        {
            result = length;
            return true;
        }
    }
}
