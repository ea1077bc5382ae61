using System.Buffers;
using System.Text.Json;
using LlmGateway.Providers.Wire;

namespace LlmGateway.Providers;

/// <summary>
/// Passes Anthropic's events on as they are, to a client that speaks the same form. The translator reads along, so that first token, end,
/// errors and usage are judged by one set of rules; what it writes is thrown away.
/// </summary>
internal sealed class AnthropicStreamRelay(AnthropicStreamTranslator reader, string requestId) : StreamTranslator(WireFraming.ServerSentEvents)
{
    private readonly ArrayBufferWriter<byte> _unread = new();

    public override void OnEvent(in WireEvent wireEvent, IBufferWriter<byte> output)
    {
        reader.OnEvent(wireEvent, _unread);
        _unread.ResetWrittenCount();
        (HasFirstToken, HasFinish, IsDone, Error, Usage, TokensSeen) = (reader.HasFirstToken, reader.HasFinish, reader.IsDone, reader.Error, reader.Usage, reader.TokensSeen);
        if (Error is not null || (wireEvent.Data.IsEmpty && !HasFirstToken))
        {
            return;
        }

        output.Write(wireEvent.Raw);
        if (!wireEvent.Raw.EndsWith("\n\n"u8) && !wireEvent.Raw.EndsWith("\n\r\n"u8) && !wireEvent.Raw.EndsWith("\r\r"u8))
        {
            // A last event may come without its blank line.
            output.Write("\n\n"u8);
        }
    }

    /// <summary>The provider's own last event has been passed on.</summary>
    public override void OnEnd(IBufferWriter<byte> output)
    {
    }

    public override void OnFailure(string message, IBufferWriter<byte> output)
    {
        output.Write("event: error\ndata: "u8);
        using (var writer = new Utf8JsonWriter(output, OpenAiJson.Writing))
        {
            writer.WriteStartObject();
            writer.WriteString("type"u8, "error"u8);
            writer.WriteStartObject("error"u8);
            writer.WriteString("type"u8, "api_error"u8);
            writer.WriteString("message"u8, message);
            writer.WriteEndObject();
            writer.WriteString("request_id"u8, requestId);
            writer.WriteEndObject();
        }

        output.Write("\n\n"u8);
    }
}
