using System.Buffers;
using LlmGateway.Providers.Wire;

namespace LlmGateway.Providers;

/// <summary>
/// Passes a provider's events on as they are, to a client that speaks the same form. The translator reads along, so that first token, end,
/// errors and usage are judged by one set of rules; what it writes is thrown away.
/// </summary>
internal abstract class NativeStreamRelay(StreamTranslator reader) : StreamTranslator(reader.Framing)
{
    private readonly ArrayBufferWriter<byte> _unread = new();

    public override void OnEvent(in WireEvent wireEvent, IBufferWriter<byte> output)
    {
        reader.OnEvent(wireEvent, _unread);
        _unread.ResetWrittenCount();
        (HasFirstToken, HasFinish, IsDone, Error, Usage, TokensSeen) = (reader.HasFirstToken, reader.HasFinish, reader.IsDone, reader.Error, reader.Usage, reader.TokensSeen);
        if (Error is null && (HasFirstToken || !wireEvent.Data.IsEmpty))
        {
            output.Write(wireEvent.Raw);
            output.Write(MissingEnd(wireEvent.Raw));
        }
    }

    /// <summary>The provider's own last event has been passed on.</summary>
    public override void OnEnd(IBufferWriter<byte> output)
    {
    }

    /// <summary>The last event of a stream may come without its end; this is what it lacks.</summary>
    protected abstract ReadOnlySpan<byte> MissingEnd(ReadOnlySpan<byte> raw);
}
