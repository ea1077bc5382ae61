using System.Net;

namespace LlmGateway.Tools.Mcp;

/// <summary>Lets requests go to the configured server alone, wherever it points, and ends an answer that is too long.</summary>
internal sealed class McpHttpGuard(Uri server) : DelegatingHandler
{
    private const long MaxAnswerBytes = 16 * 1024 * 1024;

    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        if (request.RequestUri is not { } target || target.Scheme != server.Scheme || target.Authority != server.Authority)
        {
            throw new HttpRequestException("The MCP server points to another host.");
        }

        var response = await base.SendAsync(request, cancellationToken);
        if (request.Method == HttpMethod.Get)
        {
            // The stream of notifications lasts as long as the connection.
            return response;
        }

        if (response.Content.Headers.ContentLength > MaxAnswerBytes)
        {
            response.Dispose();
            throw new HttpRequestException("The MCP server's answer is too long.");
        }

        var bounded = new BoundedContent(response.Content);
        foreach (var header in response.Content.Headers.NonValidated)
        {
            bounded.Headers.TryAddWithoutValidation(header.Key, (IEnumerable<string>)header.Value);
        }

        response.Content = bounded;
        return response;
    }

    private sealed class BoundedContent(HttpContent content) : HttpContent
    {
        protected override async Task<Stream> CreateContentReadStreamAsync() => new BoundedStream(await content.ReadAsStreamAsync());

        protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context) => await (await CreateContentReadStreamAsync()).CopyToAsync(stream);

        protected override bool TryComputeLength(out long length)
        {
            length = content.Headers.ContentLength ?? 0;
            return content.Headers.ContentLength is not null;
        }

        protected override void Dispose(bool disposing)
        {
            if (disposing)
            {
                content.Dispose();
            }

            base.Dispose(disposing);
        }
    }

    private sealed class BoundedStream(Stream source) : Stream
    {
        private long _read;

        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) => Count(await source.ReadAsync(buffer, cancellationToken));

        public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
            ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

        public override int Read(byte[] buffer, int offset, int count) => Count(source.Read(buffer, offset, count));

        public override void Flush()
        {
        }

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        protected override void Dispose(bool disposing)
        {
            if (disposing)
            {
                source.Dispose();
            }

            base.Dispose(disposing);
        }

        private int Count(int read) => (_read += read) <= MaxAnswerBytes ? read : throw new HttpIOException(HttpRequestError.ConfigurationLimitExceeded, "The MCP server's answer is too long.");
    }
}
