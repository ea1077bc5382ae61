using System.Buffers;
using System.Text.Json;
using LlmGateway.Model;
using LlmGateway.Providers.Wire;

namespace LlmGateway.Providers;

/// <summary>Ollama's lines, to a client that speaks Ollama's form.</summary>
internal sealed class OllamaStreamRelay(OllamaStreamTranslator reader) : NativeStreamRelay(reader)
{
    public override void OnFailure(GatewayError error, IBufferWriter<byte> output)
    {
        using (var writer = new Utf8JsonWriter(output, OpenAiJson.Writing))
        {
            writer.WriteStartObject();
            writer.WriteString("error"u8, error.Message);
            writer.WriteEndObject();
        }

        output.Write("\n"u8);
    }

    protected override ReadOnlySpan<byte> MissingEnd(ReadOnlySpan<byte> raw) => raw.EndsWith("\n"u8) ? default : "\n"u8;
}
