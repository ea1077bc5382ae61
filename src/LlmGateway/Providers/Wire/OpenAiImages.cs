using System.Text.Json;

namespace LlmGateway.Providers.Wire;

/// <summary>Writes pictures that a model has made. OpenAI's chat form has no place for them; <c>images</c> is what OpenRouter and others agreed on.</summary>
internal static class OpenAiImages
{
    public static void Write(Utf8JsonWriter writer, IReadOnlyList<string> dataUris)
    {
        writer.WriteStartArray("images"u8);
        foreach (var uri in dataUris)
        {
            writer.WriteStartObject();
            writer.WriteString("type"u8, "image_url"u8);
            writer.WriteStartObject("image_url"u8);
            writer.WriteString("url"u8, uri);
            writer.WriteEndObject();
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
    }
}
