using System.Net.Http.Headers;
using System.Text;
using LlmGateway.Forwarding;

namespace LlmGateway.Tests.Forwarding;

public sealed class FlushedContentTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task No_piece_waits_for_the_next()
    {
        using var source = new PushedStream();
        source.Push("one");
        source.Push("two");
        source.Push("three");
        source.End();
        using var content = new FlushedContent(new StreamContent(source));
        using var sent = new Sent();
        await using var buffered = new BufferedStream(sent);

        await content.CopyToAsync(buffered, Cancellation);

        Assert.Equal(["one", "two", "three"], sent.Pieces);
    }

    [Fact]
    public void Headers_stay_as_they_are()
    {
        var body = new ByteArrayContent([1, 2, 3]);
        body.Headers.ContentType = new MediaTypeHeaderValue("audio/wav");
        body.Headers.ContentLength = 3;

        using var content = new FlushedContent(body);

        Assert.Equal(("audio/wav", 3), (content.Headers.ContentType?.MediaType, content.Headers.ContentLength));
    }

    [Fact]
    public void Length_that_is_not_known_stays_so()
    {
        using var source = new PushedStream();

        using var content = new FlushedContent(new StreamContent(source));

        Assert.Null(content.Headers.ContentLength);
    }

    private sealed class Sent : MemoryStream
    {
        public List<string> Pieces { get; } = [];

        public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            Pieces.Add(Encoding.UTF8.GetString(buffer.Span));
            return base.WriteAsync(buffer, cancellationToken);
        }
    }
}
