using LlmGateway.Model;
using LlmGateway.Providers.Wire;
using LlmGateway.Resilience;
using LlmGateway.Surfaces;

namespace LlmGateway.Sessions;

/// <summary>A session's answer on its way to the client, byte for byte; its message is gathered on the way and kept before the last event goes out.</summary>
internal sealed class SessionStream(HttpResponseMessage response, Stream source, ISessionKeeper keeper) : PumpedStream
{
    private readonly SseFramer _framer = new();
    private readonly OpenAiDelta _delta = new();
    private readonly AnswerMessage _answer = new();

    protected override async ValueTask PumpAsync(CancellationToken cancellationToken)
    {
        var read = await FillAsync(source, cancellationToken);
        var isDone = false;
        while (_framer.TryRead(Input.Span, isFinal: read == 0, out var wireEvent, out var consumed))
        {
            isDone |= Watch(wireEvent);
            Input.Span[..consumed].CopyTo(Output.GetSpan(consumed));
            Output.Advance(consumed);
            Input.Consume(consumed);
        }

        if (isDone && _answer.IsWhole)
        {
            await keeper.KeepAsync(_answer.ToJson());
        }

        HasEnded = read == 0;
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            // Before the end this cancels the provider's call.
            response.Dispose();
        }

        base.Dispose(disposing);
    }

    /// <summary>Whether this was the answer's last event.</summary>
    private bool Watch(in WireEvent wireEvent)
    {
        var data = wireEvent.Data;
        if (data.StartsWith("[DONE]"u8))
        {
            return true;
        }

        if (!data.IsEmpty && _delta.TryRead(data))
        {
            _answer.Add(_delta, data);
        }

        return false;
    }
}
