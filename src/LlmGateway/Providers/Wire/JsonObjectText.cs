using System.Runtime.InteropServices;
using System.Text.Json;

namespace LlmGateway.Providers.Wire;

/// <summary>Text that should hold a JSON object (tool arguments, a tool's result) for providers that take the object itself.</summary>
internal static class JsonObjectText
{
    /// <summary>Writes the object as it stands in the text; false, with nothing written, where a model or a tool wrote something else.</summary>
    public static bool TryWrite(Utf8JsonWriter writer, string text)
    {
        try
        {
            using var document = JsonDocument.Parse(text, OpenAiJson.Reading);
            if (document.RootElement.ValueKind != JsonValueKind.Object)
            {
                return false;
            }

            writer.WriteRawValue(JsonMarshal.GetRawUtf8Value(document.RootElement), skipInputValidation: true);
            return true;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return false;
        }
    }
}
