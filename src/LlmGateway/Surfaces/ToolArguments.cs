using System.Text.Json;

namespace LlmGateway.Surfaces;

/// <summary>Tool arguments as an object, as Anthropic's and Ollama's clients get them: OpenAI's form has them as text, which a model may have written badly.</summary>
internal static class ToolArguments
{
    /// <summary>Writes the value: the object that the text is; no text is no arguments; what is no object is kept under the name <c>arguments</c>.</summary>
    public static void Write(Utf8JsonWriter writer, string? text)
    {
        if (string.IsNullOrWhiteSpace(text))
        {
            writer.WriteStartObject();
            writer.WriteEndObject();
        }
        else if (IsObject(text))
        {
            writer.WriteRawValue(text, skipInputValidation: true);
        }
        else
        {
            writer.WriteStartObject();
            writer.WriteString("arguments"u8, text);
            writer.WriteEndObject();
        }
    }

    private static bool IsObject(string text)
    {
        try
        {
            using var document = JsonDocument.Parse(text);
            return document.RootElement.ValueKind == JsonValueKind.Object;
        }
        catch (JsonException)
        {
            return false;
        }
    }
}
