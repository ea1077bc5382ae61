using System.Text;
using System.Text.Json;
using LlmGateway.Model;
using LlmGateway.Providers.Wire;

namespace LlmGateway.Providers;

/// <summary>Writes what a message says: its text as one string, its images as a list of base64 beside it.</summary>
internal static class OllamaContentWriter
{
    public static ProviderCall? Write(Utf8JsonWriter writer, JsonElement message, string path)
    {
        var content = message.Find("content"u8);
        switch (content?.ValueKind)
        {
            case null:
                writer.WriteString("content"u8, message.FindText("refusal"u8) ?? "");
                return null;
            case JsonValueKind.String:
                writer.WriteString("content"u8, content.Value.GetString());
                return null;
            case JsonValueKind.Array:
                return WriteParts(writer, content.Value, $"{path}.content");
            default:
                return Invalid($"{path}.content", "It must be a string or an array of parts.");
        }
    }

    /// <summary>Ollama has one text and one list of images a message. Texts are joined with a line break, as separate blocks are meant.</summary>
    private static ProviderCall? WriteParts(Utf8JsonWriter writer, JsonElement parts, string path)
    {
        var text = new StringBuilder();
        List<string>? images = null;
        var index = 0;
        foreach (var part in parts.EnumerateArray())
        {
            var place = $"{path}[{index++}]";
            if (part.ValueKind != JsonValueKind.Object || part.FindText("type"u8) is not { } type)
            {
                return Invalid($"{place}.type", "A part must be an object with a type.");
            }

            switch (type)
            {
                case "text":
                case "refusal":
                    if (part.FindText(type == "text" ? "text"u8 : "refusal"u8) is not { } piece)
                    {
                        return Invalid($"{place}.{type}", "It must be a string.");
                    }

                    text.Append(text.Length > 0 && piece.Length > 0 ? "\n" : "").Append(piece);
                    break;
                case "image_url":
                    if (TakeImage(part, place, images ??= []) is { } problem)
                    {
                        return problem;
                    }

                    break;
                default:
                    return ProviderCall.CannotCarry(
                        type switch
                        {
                            "input_audio" => "audio input",
                            "file" => "file input",
                            _ => "a content part of a kind that Ollama does not know",
                        },
                        $"{place}.type");
            }
        }

        writer.WriteString("content"u8, text.ToString());
        if (images is not null)
        {
            writer.WriteStartArray("images"u8);
            images.ForEach(writer.WriteStringValue);
            writer.WriteEndArray();
        }

        return null;
    }

    private static ProviderCall? TakeImage(JsonElement part, string place, List<string> images)
    {
        var image = part.Find("image_url"u8);
        var url = image?.ValueKind switch
        {
            JsonValueKind.Object => image.Value.FindText("url"u8),
            JsonValueKind.String => image.Value.GetString(),
            _ => null,
        };
        if (url is null)
        {
            return Invalid($"{place}.image_url.url", "It must be a string.");
        }

        if (url.StartsWith("http://", StringComparison.OrdinalIgnoreCase) || url.StartsWith("https://", StringComparison.OrdinalIgnoreCase))
        {
            // The gateway fetches nothing for a client: such a URL could point into the company's network.
            return ProviderCall.CannotCarry("image URLs (only data URIs)", $"{place}.image_url.url");
        }

        if (!DataUri.TryParse(url, out var data))
        {
            return Invalid($"{place}.image_url.url", "It must be an http(s) URL or a data URI with valid base64.");
        }

        if (data.MediaType.Length > 0 && !data.MediaType.StartsWith("image/", StringComparison.OrdinalIgnoreCase))
        {
            return ProviderCall.CannotCarry("data URIs that are no image", $"{place}.image_url.url");
        }

        images.Add(data.Base64);
        return null;
    }

    private static ProviderCall Invalid(string param, string message) => ProviderCall.Refuse(GatewayError.InvalidMember(param, message));
}
