using LlmGateway.Providers.Wire;
using LlmGateway.Resilience;
using LlmGateway.Surfaces;

namespace LlmGateway.Caching;

/// <summary>A streamed answer on its way to the client, byte for byte, gathered for the cache on the way.</summary>
internal sealed class CachedStream(HttpResponseMessage response, Stream source, CacheWriter writer) : PumpedStream
{
    private readonly SseFramer _framer = new();
    private readonly OpenAiDelta _delta = new();
    private bool _isClean = true;
    private bool _hasFinish;
    private bool _isDone;
    private bool _isTold;

    protected override async ValueTask PumpAsync(CancellationToken cancellationToken)
    {
        var read = await FillAsync(source, cancellationToken);
        while (_framer.TryRead(Input.Span, isFinal: read == 0, out var wireEvent, out var consumed))
        {
            Watch(wireEvent);
            var bytes = Input.Span[..consumed];
            writer.Gather(bytes);
            bytes.CopyTo(Output.GetSpan(consumed));
            Output.Advance(consumed);
            Input.Consume(consumed);
        }

        HasEnded = read == 0;
        if (!_isTold && (HasEnded || _isDone))
        {
            // At [DONE] already: who translates the stream reads no further.
            _isTold = true;
            await writer.KeepGatheredAsync(_isClean && _hasFinish && _isDone);
        }
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            // Before the end this cancels the provider's call.
            response.Dispose();
            writer.Dispose();
        }

        base.Dispose(disposing);
    }

    private void Watch(in WireEvent wireEvent)
    {
        var data = wireEvent.Data;
        if (data.StartsWith("[DONE]"u8))
        {
            _isDone = true;
        }
        else if (!data.IsEmpty)
        {
            _isClean &= _delta.TryRead(data) && !_delta.IsError && (_delta.Finish is null || CleanAnswer.IsCleanFinish(_delta.Finish));
            _hasFinish |= _delta.Finish is not null;
        }
    }
}
