using LlmGateway.Lifecycle;
using LlmGateway.Model;
using LlmGateway.Providers.Wire;

namespace LlmGateway.Forwarding;

/// <summary>A provider's answer on its way through, watched and otherwise untouched. A stream of events that the gateway itself has to end says so in one of its own.</summary>
/// <param name="source">The answer's body.</param>
/// <param name="call">What is noted of it.</param>
/// <param name="reading">Cancelled by the reader, or when the gateway is stopping and has no more time; disposed with the stream.</param>
/// <param name="lifecycle">Tells which of the two it was.</param>
/// <param name="keyEnd">Cancelled when the caller's key is no longer in force.</param>
internal sealed class WatchedStream(Stream source, PassthroughCall call, CancellationTokenSource reading, GatewayLifecycle lifecycle, CancellationToken keyEnd) : ReadOnlyStream
{
    private readonly CancellationTokenRegistration _endingWithKey = keyEnd.UnsafeRegister(static reading => ((CancellationTokenSource)reading!).Cancel(), reading);
    private ReadOnlyMemory<byte> _lastWords;

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (call.IsEnded)
        {
            return ReadLastWords(buffer);
        }

        int read;
        try
        {
            read = await source.ReadAsync(buffer, reading.Token);
        }
        catch (OperationCanceledException) when (call.Usage is { IsStream: true } && (lifecycle.Ending.IsCancellationRequested || keyEnd.IsCancellationRequested) && !cancellationToken.IsCancellationRequested)
        {
            // Whatever came before it, an empty line in front makes this an event of its own.
            call.IsEnded = true;
            _lastWords = (byte[])[.. "\n\ndata: "u8, .. ErrorJson.Write(lifecycle.Ending.IsCancellationRequested ? Refusals.ShuttingDown : Refusals.KeyEnded), .. "\n\n"u8];
            return ReadLastWords(buffer);
        }
        catch (Exception exception) when (exception is IOException or HttpRequestException)
        {
            call.IsCut = true;
            throw;
        }

        // A read of no bytes only waits until there is something.
        if (read > 0)
        {
            call.Usage?.Watch(buffer.Span[..read]);
        }
        else if (!buffer.IsEmpty && !call.IsWhole)
        {
            call.IsWhole = true;
            call.Usage?.End();
        }

        return read;
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            call.Usage?.Dispose();
            _endingWithKey.Dispose();
            source.Dispose();
            reading.Dispose();
        }

        base.Dispose(disposing);
    }

    private int ReadLastWords(Memory<byte> buffer)
    {
        var count = Math.Min(buffer.Length, _lastWords.Length);
        _lastWords[..count].CopyTo(buffer);
        _lastWords = _lastWords[count..];
        return count;
    }
}
