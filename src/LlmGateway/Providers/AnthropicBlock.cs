using System.Runtime.InteropServices;
using System.Text.Json;

namespace LlmGateway.Providers;

/// <summary>One content block on its way out. It writes itself late, so that an image is copied once; it lives as long as the request's document.</summary>
internal sealed record AnthropicBlock(AnthropicBlockKind Kind, Action<Utf8JsonWriter> WriteMembers)
{
    /// <summary>The text of a text block; null for every other.</summary>
    public string? Text { get; private init; }

    /// <summary>The client's own cache breakpoint, passed on as it is.</summary>
    public JsonElement? CacheControl { get; init; }

    /// <summary>Signed blocks as the provider wrote them, comma-separated; they are given back to the byte.</summary>
    public ReadOnlyMemory<byte> Raw { get; private init; }

    public static AnthropicBlock OfText(string text) => new(AnthropicBlockKind.Content, writer =>
    {
        writer.WriteString("type"u8, "text"u8);
        writer.WriteString("text"u8, text);
    })
    { Text = text };

    public static AnthropicBlock OfThinking(ReadOnlyMemory<byte> raw) => new(AnthropicBlockKind.Thinking, static _ => { }) { Raw = raw };

    public void Write(Utf8JsonWriter writer)
    {
        if (Kind == AnthropicBlockKind.Thinking)
        {
            if (!Raw.IsEmpty)
            {
                writer.WriteRawValue(Raw.Span, skipInputValidation: true);
            }

            return;
        }

        writer.WriteStartObject();
        WriteMembers(writer);
        if (CacheControl is { ValueKind: JsonValueKind.Object } breakpoint)
        {
            writer.WritePropertyName("cache_control"u8);
            writer.WriteRawValue(JsonMarshal.GetRawUtf8Value(breakpoint), skipInputValidation: true);
        }

        writer.WriteEndObject();
    }
}
