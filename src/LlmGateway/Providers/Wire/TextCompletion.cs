using System.Buffers;
using System.Runtime.InteropServices;
using System.Text.Json;
using LlmGateway.Model;

namespace LlmGateway.Providers.Wire;

/// <summary>Writes legacy completions (<c>text_completion</c>), which have one object for whole answers and for chunks.</summary>
internal static class TextCompletion
{
    /// <summary>A whole chat completion as a legacy one; false where it is none.</summary>
    public static bool TryWrite(ReadOnlyMemory<byte> chat, IBufferWriter<byte> output)
    {
        try
        {
            using var document = JsonDocument.Parse(chat);
            return Write(document.RootElement, "message"u8, output);
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            return false;
        }
    }

    /// <summary>One chat chunk as a legacy one. Comments and the end mark stay; a chunk that says nothing of text, end or usage is dropped.</summary>
    public static bool TryWriteChunk(in WireEvent chunk, IBufferWriter<byte> output)
    {
        if (chunk.Data.IsEmpty || chunk.Data.SequenceEqual("[DONE]"u8))
        {
            output.Write(chunk.Raw);
            return true;
        }

        try
        {
            var reader = new Utf8JsonReader(chunk.Data);
            using var document = JsonDocument.ParseValue(ref reader);
            if (!HasNews(document.RootElement))
            {
                return true;
            }

            output.Write("data: "u8);
            var isWritten = Write(document.RootElement, "delta"u8, output);
            output.Write("\n\n"u8);
            return isWritten;
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            return false;
        }
    }

    /// <summary>A whole legacy completion as the stream that the client asked for.</summary>
    public static bool TryWriteEvents(JsonElement completion, bool tellsUsage, TokenUsage? usage, IBufferWriter<byte> output)
    {
        foreach (var choice in completion.GetProperty("choices"u8).EnumerateArray())
        {
            // An end is never invented.
            if (choice.ValueKind != JsonValueKind.Object || choice.FindText("finish_reason"u8) is not { Length: > 0 })
            {
                return false;
            }
        }

        WriteEvent(completion, output, (json, member) =>
        {
            if (!member.NameEquals("usage"u8))
            {
                member.WriteTo(json);
            }
            else if (tellsUsage)
            {
                json.WriteNull("usage"u8);
            }
        });
        if (tellsUsage && usage is { } known)
        {
            WriteEvent(completion, output, (json, member) =>
            {
                if (member.NameEquals("choices"u8))
                {
                    json.WriteStartArray("choices"u8);
                    json.WriteEndArray();
                    json.WritePropertyName("usage"u8);
                    OpenAiUsage.Write(json, known);
                }
                else if (!member.NameEquals("usage"u8))
                {
                    member.WriteTo(json);
                }
            });
        }

        output.Write("data: [DONE]\n\n"u8);
        return true;
    }

    private static void WriteEvent(JsonElement completion, IBufferWriter<byte> output, Action<Utf8JsonWriter, JsonProperty> write)
    {
        output.Write("data: "u8);
        using (var json = new Utf8JsonWriter(output, OpenAiJson.Writing))
        {
            json.WriteStartObject();
            foreach (var member in completion.EnumerateObject())
            {
                write(json, member);
            }

            json.WriteEndObject();
        }

        output.Write("\n\n"u8);
    }

    private static bool HasNews(JsonElement root)
    {
        if (root.Find("usage"u8) is { ValueKind: JsonValueKind.Object } || root.Find("choices"u8) is not { ValueKind: JsonValueKind.Array } choices)
        {
            return true;
        }

        foreach (var choice in choices.EnumerateArray())
        {
            var hasText = choice.Find("delta"u8) is { ValueKind: JsonValueKind.Object } delta && delta.Find("content"u8) is { ValueKind: JsonValueKind.String } text
                && JsonMarshal.GetRawUtf8Value(text).Length > 2;
            if (hasText || choice.Find("finish_reason"u8) is { ValueKind: JsonValueKind.String })
            {
                return true;
            }
        }

        return false;
    }

    private static bool Write(JsonElement chat, ReadOnlySpan<byte> part, IBufferWriter<byte> output)
    {
        if (chat.ValueKind != JsonValueKind.Object || chat.Find("choices"u8) is not { ValueKind: JsonValueKind.Array } choices)
        {
            return false;
        }

        using var json = new Utf8JsonWriter(output, OpenAiJson.Writing);
        json.WriteStartObject();
        var id = chat.FindText("id"u8) ?? "";
        json.WriteString("id"u8, id.StartsWith("chatcmpl-", StringComparison.Ordinal) ? id["chat".Length..] : id);
        json.WriteString("object"u8, "text_completion"u8);
        Copy(chat, "created"u8, json);
        Copy(chat, "model"u8, json);
        json.WriteStartArray("choices"u8);
        foreach (var choice in choices.EnumerateArray())
        {
            WriteChoice(choice, part, json);
        }

        json.WriteEndArray();
        Copy(chat, "usage"u8, json);
        json.WriteEndObject();
        return true;
    }

    private static void WriteChoice(JsonElement choice, ReadOnlySpan<byte> part, Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WritePropertyName("text"u8);
        if (choice.Find(part) is { ValueKind: JsonValueKind.Object } message && message.Find("content"u8) is { ValueKind: JsonValueKind.String } text)
        {
            WriteRaw(json, text);
        }
        else
        {
            json.WriteStringValue(""u8);
        }

        Copy(choice, "index"u8, json);
        json.WriteNull("logprobs"u8);
        if (choice.Find("finish_reason"u8) is null)
        {
            json.WriteNull("finish_reason"u8);
        }
        else
        {
            Copy(choice, "finish_reason"u8, json);
        }

        json.WriteEndObject();
    }

    private static void Copy(JsonElement from, ReadOnlySpan<byte> name, Utf8JsonWriter json)
    {
        if (from.TryGetProperty(name, out var value))
        {
            json.WritePropertyName(name);
            WriteRaw(json, value);
        }
    }

    // As it stands: half of a surrogate pair, which a provider may send, could not be decoded.
    private static void WriteRaw(Utf8JsonWriter json, JsonElement value) => json.WriteRawValue(JsonMarshal.GetRawUtf8Value(value), skipInputValidation: true);
}
