using LlmGateway.Providers;
using LlmGateway.Providers.Wire;
using LlmGateway.Resilience;

namespace LlmGateway.Surfaces;

/// <summary>A streamed answer in a client's own form, made from the chain's OpenAI events while they come.</summary>
internal sealed class SurfaceStream(HttpResponseMessage response, Stream source, ClientStreamWriter writer) : PumpedStream
{
    private const string BrokeOff = "The answer broke off before its end. Send the request again.";

    private readonly SseFramer _framer = new();
    private readonly OpenAiDelta _delta = new();

    protected override async ValueTask PumpAsync(CancellationToken cancellationToken)
    {
        var read = await FillAsync(source, cancellationToken);
        while (!HasEnded && _framer.TryRead(Input.Span, isFinal: read == 0, out var wireEvent, out var consumed))
        {
            Take(wireEvent);
            Input.Consume(consumed);
        }

        if (!HasEnded && read == 0)
        {
            // The chain ends every stream with [DONE] or an error; this one had neither.
            Fail(BrokeOff);
        }
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

    private void Take(in WireEvent wireEvent)
    {
        var data = wireEvent.Data;
        if (data.IsEmpty)
        {
            writer.OnPing(Output);
        }
        else if (data.StartsWith("[DONE]"u8))
        {
            writer.OnEnd(Output);
            HasEnded = true;
        }
        else if (!_delta.TryRead(data))
        {
            Fail(BrokeOff);
        }
        else if (_delta.IsError)
        {
            Fail(OpenAiErrorReader.Read(200, data).Message);
        }
        else
        {
            writer.OnDelta(_delta, data, Output);
            if (writer.Problem is { } problem)
            {
                Fail(problem);
            }
        }
    }

    private void Fail(string message)
    {
        writer.OnFailure(message, Output);
        HasEnded = true;
    }
}
