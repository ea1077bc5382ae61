using System.Buffers;
using System.Runtime.InteropServices;
using System.Text.Json;
using LlmGateway.Providers.Wire;
using LlmGateway.Surfaces;

namespace LlmGateway.Sessions;

/// <summary>The assistant's message as a session keeps it: content and tool calls, not the reasoning. Read out of a completion, or gathered from a stream's chunks.</summary>
internal sealed class AnswerMessage
{
    /// <summary>An answer beyond this is too long to be remembered.</summary>
    private const int MaxBytes = 4 * 1024 * 1024;

    private readonly ArrayBufferWriter<byte> _content = new();
    private readonly HeldToolCalls _calls = new();
    private bool _isFinished;

    /// <summary>Whether the answer came to its end and can be kept.</summary>
    public bool IsWhole => _isFinished && !_calls.IsTooMuch && _content.WrittenCount <= MaxBytes;

    /// <summary>The message of a whole completion; null where it holds none.</summary>
    public static byte[]? Of(ReadOnlyMemory<byte> completion)
    {
        try
        {
            using var document = JsonDocument.Parse(completion);
            if (!OpenAiAnswer.TryRead(document.RootElement, out _))
            {
                return null;
            }

            var message = document.RootElement.GetProperty("choices"u8)[0].GetProperty("message"u8);
            return Write(writer =>
            {
                WriteContent(writer, message.Find("content"u8) ?? message.Find("refusal"u8));
                if (message.Find("tool_calls"u8) is { ValueKind: JsonValueKind.Array } calls && calls.GetArrayLength() > 0)
                {
                    writer.WritePropertyName("tool_calls"u8);
                    writer.WriteRawValue(CompactJson.Of(JsonMarshal.GetRawUtf8Value(calls)), skipInputValidation: true);
                }
            });
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            return null;
        }
    }

    public void Add(OpenAiDelta delta, ReadOnlySpan<byte> chunk)
    {
        // Pieces of one JSON string, laid end to end as they stand.
        var content = delta.Content.Of(chunk);
        content = content.IsEmpty ? delta.Refusal.Of(chunk) : content;
        if (!content.IsEmpty && _content.WrittenCount <= MaxBytes)
        {
            _content.Write(content[1..^1]);
        }

        foreach (var call in delta.ToolCalls)
        {
            _calls.Add(call, chunk);
        }

        _isFinished |= delta.Finish is not null;
    }

    public byte[] ToJson() => Write(writer =>
    {
        writer.WritePropertyName("content"u8);
        if (_content.WrittenCount == 0 && _calls.Calls.Count > 0)
        {
            writer.WriteNullValue();
        }
        else
        {
            writer.WriteRawValue([(byte)'"', .. _content.WrittenSpan, (byte)'"'], skipInputValidation: true);
        }

        if (_calls.Calls.Count > 0)
        {
            writer.WriteStartArray("tool_calls"u8);
            foreach (var call in _calls.Calls)
            {
                writer.WriteStartObject();
                writer.WriteString("id"u8, call.Id);
                writer.WriteString("type"u8, "function"u8);
                writer.WriteStartObject("function"u8);
                writer.WriteString("name"u8, call.Name);
                writer.WriteString("arguments"u8, call.Arguments);
                writer.WriteEndObject();
                writer.WriteEndObject();
            }

            writer.WriteEndArray();
        }
    });

    private static void WriteContent(Utf8JsonWriter writer, JsonElement? content)
    {
        writer.WritePropertyName("content"u8);
        if (content is { } value)
        {
            writer.WriteRawValue(CompactJson.Of(JsonMarshal.GetRawUtf8Value(value)), skipInputValidation: true);
        }
        else
        {
            writer.WriteNullValue();
        }
    }

    private static byte[] Write(Action<Utf8JsonWriter> members)
    {
        var output = new ArrayBufferWriter<byte>(512);
        using (var writer = new Utf8JsonWriter(output, OpenAiJson.Writing))
        {
            writer.WriteStartObject();
            writer.WriteString("role"u8, "assistant"u8);
            members(writer);
            writer.WriteEndObject();
        }

        return output.WrittenSpan.ToArray();
    }
}
