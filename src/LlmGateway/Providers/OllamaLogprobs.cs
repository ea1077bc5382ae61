using System.Buffers;
using System.Runtime.InteropServices;
using System.Text.Json;
using LlmGateway.Providers.Wire;

namespace LlmGateway.Providers;

/// <summary>Turns Ollama's list of token probabilities into OpenAI's <c>logprobs</c> object, whose members are all required.</summary>
internal static class OllamaLogprobs
{
    /// <summary>OpenAI's object as JSON; empty where there is no list.</summary>
    public static ReadOnlySpan<byte> Translate(ReadOnlySpan<byte> list)
    {
        if (list.IsEmpty)
        {
            return default;
        }

        try
        {
            return TranslateList(list);
        }
        catch (InvalidOperationException)
        {
            // Half of a surrogate pair in a name: an answer is not lost for its probabilities.
            return default;
        }
    }

    private static ReadOnlySpan<byte> TranslateList(ReadOnlySpan<byte> list)
    {
        var reader = new Utf8JsonReader(list);
        using var document = JsonDocument.ParseValue(ref reader);
        var output = new ArrayBufferWriter<byte>(list.Length + 64);
        using (var writer = new Utf8JsonWriter(output, OpenAiJson.Writing))
        {
            writer.WriteStartObject();
            writer.WriteStartArray("content"u8);
            foreach (var token in document.RootElement.EnumerateArray())
            {
                WriteToken(writer, token, hasAlternatives: true);
            }

            writer.WriteEndArray();
            writer.WriteNull("refusal"u8);
            writer.WriteEndObject();
        }

        return output.WrittenSpan;
    }

    private static void WriteToken(Utf8JsonWriter writer, JsonElement token, bool hasAlternatives)
    {
        if (token.ValueKind != JsonValueKind.Object)
        {
            return;
        }

        writer.WriteStartObject();
        Copy(writer, token, "token"u8, "\"\""u8);
        Copy(writer, token, "logprob"u8, "0"u8);
        Copy(writer, token, "bytes"u8, "null"u8);
        if (hasAlternatives)
        {
            writer.WriteStartArray("top_logprobs"u8);
            if (token.TryGetProperty("top_logprobs"u8, out var others) && others.ValueKind == JsonValueKind.Array)
            {
                foreach (var other in others.EnumerateArray())
                {
                    WriteToken(writer, other, hasAlternatives: false);
                }
            }

            writer.WriteEndArray();
        }

        writer.WriteEndObject();
    }

    private static void Copy(Utf8JsonWriter writer, JsonElement from, ReadOnlySpan<byte> name, ReadOnlySpan<byte> otherwise)
    {
        writer.WritePropertyName(name);
        if (from.TryGetProperty(name, out var value))
        {
            writer.WriteRawValue(JsonMarshal.GetRawUtf8Value(value), skipInputValidation: true);
        }
        else
        {
            writer.WriteRawValue(otherwise, skipInputValidation: true);
        }
    }
}
