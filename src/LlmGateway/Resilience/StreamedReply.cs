using System.Net;

namespace LlmGateway.Resilience;

/// <summary>Content that is read from a stream as it comes, without a wrapper in between.</summary>
internal sealed class StreamedReply(Stream stream) : HttpContent
{
    private IDisposable? _companion;

    /// <summary>What is read; whoever reads it in a stream of its own replaces the content and disposes this one.</summary>
    public Stream Stream => stream;

    /// <summary>Hands over something that the stream needs while it is read.</summary>
    public void DisposesToo(IDisposable companion) => _companion = companion;

    protected override Task<Stream> CreateContentReadStreamAsync() => Task.FromResult(stream);

    protected override Task SerializeToStreamAsync(Stream target, TransportContext? context) => stream.CopyToAsync(target);

    protected override bool TryComputeLength(out long length)
    {
        length = 0;
        return false;
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            stream.Dispose();
            _companion?.Dispose();
        }

        base.Dispose(disposing);
    }
}
