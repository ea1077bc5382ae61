using System.IO.Pipelines;
using LlmGateway.Resilience;

namespace LlmGateway.Tests.Resilience;

public sealed class ReplyEndTests : IDisposable
{
    private readonly FakeTime _time = new();
    private readonly Pipe _pipe = new();
    private readonly WatchedReply _reply = new();

    public void Dispose() => _reply.Dispose();

    [Fact]
    public async Task ReadAsync_LetsGoOfTheReplyWhenItHasEnded()
    {
        var reading = ReplyEnd.ReadAsync(_reply, _pipe.Reader.AsStream(), _time);
        await _pipe.Writer.WriteAsync(": bye\n\n"u8.ToArray(), TestContext.Current.CancellationToken);
        Assert.False(_reply.IsDisposed);

        await _pipe.Writer.CompleteAsync();

        await reading;
        Assert.True(_reply.IsDisposed);
    }

    [Fact]
    public async Task ReadAsync_NoEnd_IsWaitedForAMoment()
    {
        var reading = ReplyEnd.ReadAsync(_reply, _pipe.Reader.AsStream(), _time);
        _time.Advance(ReplyEnd.Patience - TimeSpan.FromMilliseconds(1));
        Assert.False(reading.IsCompleted);

        _time.Advance(TimeSpan.FromMilliseconds(1));

        await reading;
        Assert.True(_reply.IsDisposed);
    }

    [Fact]
    public async Task ReadAsync_NoEndOfBytes_IsGivenUp()
    {
        var reading = ReplyEnd.ReadAsync(_reply, new MemoryStream(new byte[1024 * 1024]), _time);

        Assert.True(reading.IsCompletedSuccessfully);
        await reading;
        Assert.True(_reply.IsDisposed);
    }

    [Fact]
    public async Task ReadAsync_BrokenConnection_IsTheEnd()
    {
        await _pipe.Writer.CompleteAsync(new IOException("reset"));

        await ReplyEnd.ReadAsync(_reply, _pipe.Reader.AsStream(), _time);

        Assert.True(_reply.IsDisposed);
    }

    private sealed class WatchedReply : HttpResponseMessage
    {
        public bool IsDisposed { get; private set; }

        protected override void Dispose(bool disposing)
        {
            IsDisposed = true;
            base.Dispose(disposing);
        }
    }
}
