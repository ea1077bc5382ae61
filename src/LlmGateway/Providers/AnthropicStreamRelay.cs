using System.Buffers;
using System.Text.Json;
using LlmGateway.Model;
using LlmGateway.Providers.Wire;

namespace LlmGateway.Providers;

/// <summary>Anthropic's events, to a client that speaks Anthropic's form.</summary>
internal sealed class AnthropicStreamRelay(AnthropicStreamTranslator reader, string requestId) : NativeStreamRelay(reader)
{
    public override void OnFailure(GatewayError error, IBufferWriter<byte> output)
    {
        output.Write("event: error\ndata: "u8);
        using (var writer = new Utf8JsonWriter(output, OpenAiJson.Writing))
        {
            writer.WriteStartObject();
            writer.WriteString("type"u8, "error"u8);
            writer.WriteStartObject("error"u8);
            writer.WriteString("type"u8, error.Status == 503 ? "overloaded_error"u8 : "api_error"u8);
            writer.WriteString("message"u8, error.Message);
            writer.WriteEndObject();
            writer.WriteString("request_id"u8, requestId);
            writer.WriteEndObject();
        }

        output.Write("\n\n"u8);
    }

    protected override ReadOnlySpan<byte> MissingEnd(ReadOnlySpan<byte> raw) =>
        raw.EndsWith("\n\n"u8) || raw.EndsWith("\n\r\n"u8) || raw.EndsWith("\r\r"u8) ? default : "\n\n"u8;
}
