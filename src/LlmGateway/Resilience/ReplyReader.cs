using System.Buffers;

namespace LlmGateway.Resilience;

/// <summary>Reads a provider's body into memory, up to a limit.</summary>
internal static class ReplyReader
{
    /// <summary>A whole answer longer than this is taken for garbage.</summary>
    public const int MaxReplyBytes = 64 * 1024 * 1024;

    /// <summary>Of an error answer no more is read.</summary>
    public const int MaxErrorBytes = 64 * 1024;

    /// <summary>The whole body; null if it is longer than <see cref="MaxReplyBytes"/>.</summary>
    public static async ValueTask<ReadOnlyMemory<byte>?> ReadAllAsync(HttpContent content, CancellationToken cancellationToken)
    {
        var length = content.Headers.ContentLength;
        if (length > MaxReplyBytes)
        {
            return null;
        }

        var stream = await content.ReadAsStreamAsync(cancellationToken);
        if (length is { } known)
        {
            var exact = GC.AllocateUninitializedArray<byte>((int)known);
            await stream.ReadExactlyAsync(exact, cancellationToken);
            return exact;
        }

        var writer = new ArrayBufferWriter<byte>(4096);
        while (true)
        {
            var read = await stream.ReadAsync(writer.GetMemory(4096), cancellationToken);
            if (read == 0)
            {
                return writer.WrittenMemory;
            }

            writer.Advance(read);
            if (writer.WrittenCount > MaxReplyBytes)
            {
                return null;
            }
        }
    }

    /// <summary>The first <see cref="MaxErrorBytes"/> of the body; what breaks on the way is left off.</summary>
    public static async ValueTask<ReadOnlyMemory<byte>> ReadErrorAsync(HttpContent content, CancellationToken cancellationToken)
    {
        var buffer = new byte[MaxErrorBytes];
        var filled = 0;
        try
        {
            var stream = await content.ReadAsStreamAsync(cancellationToken);
            while (filled < buffer.Length && await stream.ReadAsync(buffer.AsMemory(filled), cancellationToken) is > 0 and var read)
            {
                filled += read;
            }
        }
        catch (Exception exception) when (exception is IOException or HttpRequestException)
        {
            // The status has told the main thing already.
        }

        return buffer.AsMemory(0, filled);
    }
}
