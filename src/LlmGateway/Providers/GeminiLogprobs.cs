using System.Buffers;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using LlmGateway.Providers.Wire;

namespace LlmGateway.Providers;

/// <summary>Turns Gemini's <c>logprobsResult</c> into OpenAI's <c>logprobs</c> object, whose members are all required.</summary>
internal static class GeminiLogprobs
{
    public static ReadOnlyMemory<byte> Translate(JsonElement result)
    {
        if (result.Find("chosenCandidates"u8) is not { ValueKind: JsonValueKind.Array } chosen)
        {
            return default;
        }

        List<JsonElement> others = result.Find("topCandidates"u8) is { ValueKind: JsonValueKind.Array } list ? [.. list.EnumerateArray()] : [];
        var output = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(output, OpenAiJson.Writing))
        {
            writer.WriteStartObject();
            writer.WriteStartArray("content"u8);
            var index = 0;
            foreach (var token in chosen.EnumerateArray())
            {
                WriteToken(writer, token, index < others.Count ? others[index] : default, hasAlternatives: true);
                index++;
            }

            writer.WriteEndArray();
            writer.WriteNull("refusal"u8);
            writer.WriteEndObject();
        }

        return output.WrittenMemory;
    }

    private static void WriteToken(Utf8JsonWriter writer, JsonElement token, JsonElement others, bool hasAlternatives)
    {
        if (token.ValueKind != JsonValueKind.Object)
        {
            return;
        }

        var text = token.FindText("token"u8) ?? "";
        writer.WriteStartObject();
        writer.WriteString("token"u8, text);
        writer.WritePropertyName("logprob"u8);
        writer.WriteRawValue(token.Find("logProbability"u8) is { ValueKind: JsonValueKind.Number } number ? JsonMarshal.GetRawUtf8Value(number) : "0"u8, skipInputValidation: true);
        writer.WriteStartArray("bytes"u8);
        foreach (var value in Encoding.UTF8.GetBytes(text))
        {
            writer.WriteNumberValue(value);
        }

        writer.WriteEndArray();
        if (hasAlternatives)
        {
            writer.WriteStartArray("top_logprobs"u8);
            if (others.ValueKind == JsonValueKind.Object && others.Find("candidates"u8) is { ValueKind: JsonValueKind.Array } list)
            {
                foreach (var other in list.EnumerateArray())
                {
                    WriteToken(writer, other, default, hasAlternatives: false);
                }
            }

            writer.WriteEndArray();
        }

        writer.WriteEndObject();
    }
}
