using System.Text.Json;
using LlmGateway.Model;
using LlmGateway.Providers.Wire;

namespace LlmGateway.Providers;

/// <summary>Writes the parts of a user's message: text, and images, audio and files inline.</summary>
internal sealed class GeminiPartWriter(Utf8JsonWriter writer)
{
    /// <param name="message">The user's message.</param>
    /// <param name="path">Where it stands, for errors.</param>
    /// <param name="beforeFirst">Called before each part is written: opens the turn. A message of empty text writes none.</param>
    public ProviderCall? Write(JsonElement message, string path, Action beforeFirst)
    {
        var content = message.Find("content"u8);
        switch (content?.ValueKind)
        {
            case null:
                return null;
            case JsonValueKind.String:
                WriteText(content.Value.GetString()!, beforeFirst);
                return null;
            case JsonValueKind.Array:
                break;
            default:
                return Invalid($"{path}.content", "It must be a string or an array of parts.");
        }

        var index = 0;
        foreach (var part in content.Value.EnumerateArray())
        {
            if (WritePart(part, $"{path}.content[{index++}]", beforeFirst) is { } problem)
            {
                return problem;
            }
        }

        return null;
    }

    private ProviderCall? WritePart(JsonElement part, string path, Action beforeFirst)
    {
        if (part.ValueKind != JsonValueKind.Object || part.FindText("type"u8) is not { } type)
        {
            return Invalid($"{path}.type", "A part must be an object with a type.");
        }

        switch (type)
        {
            case "text":
                if (part.FindText("text"u8) is not { } text)
                {
                    return Invalid($"{path}.text", "It must be a string.");
                }

                WriteText(text, beforeFirst);
                return null;
            case "image_url":
                var image = part.Find("image_url"u8);
                return WriteDataUri(image is { ValueKind: JsonValueKind.String } bare ? bare.GetString() : Inner(image, "url"u8), $"{path}.image_url.url", "image URLs (only data URIs)", beforeFirst);
            case "input_audio":
                return WriteAudio(part.Find("input_audio"u8), $"{path}.input_audio", beforeFirst);
            case "file":
                var file = part.Find("file"u8);
                return Inner(file, "file_data"u8) is { } data
                    ? WriteDataUri(data, $"{path}.file.file_data", "file URLs (only data URIs)", beforeFirst)
                    : ProviderCall.CannotCarry("files by id", $"{path}.file.file_id");
            default:
                return ProviderCall.CannotCarry("a content part of a kind that Gemini does not know", $"{path}.type");
        }
    }

    private ProviderCall? WriteDataUri(string? uri, string path, string unsupported, Action beforeFirst)
    {
        if (uri is null)
        {
            return Invalid(path, "It must be a string.");
        }

        if (uri.StartsWith("http://", StringComparison.OrdinalIgnoreCase) || uri.StartsWith("https://", StringComparison.OrdinalIgnoreCase))
        {
            // The gateway fetches nothing for a client, and Gemini's own fileData takes Google's storage, not any address.
            return ProviderCall.CannotCarry(unsupported, path);
        }

        if (!DataUri.TryParse(uri, out var data) || data.MediaType.Length == 0)
        {
            return Invalid(path, "It must be a data URI with a media type and valid base64.");
        }

        WriteInline(data.MediaType, data.Base64, beforeFirst);
        return null;
    }

    private ProviderCall? WriteAudio(JsonElement? audio, string path, Action beforeFirst)
    {
        if (Inner(audio, "data"u8) is not { Length: > 0 } data || !System.Buffers.Text.Base64.IsValid(data))
        {
            return Invalid($"{path}.data", "It must be base64.");
        }

        if (Inner(audio, "format"u8) is not ("wav" or "mp3"))
        {
            return Invalid($"{path}.format", "It must be wav or mp3.");
        }

        WriteInline("audio/" + Inner(audio, "format"u8), data, beforeFirst);
        return null;
    }

    private void WriteText(string text, Action beforeFirst)
    {
        if (text.Length > 0)
        {
            beforeFirst();
            writer.WriteStartObject();
            writer.WriteString("text"u8, text);
            writer.WriteEndObject();
        }
    }

    private void WriteInline(string mediaType, string base64, Action beforeFirst)
    {
        beforeFirst();
        writer.WriteStartObject();
        writer.WriteStartObject("inlineData"u8);
        writer.WriteString("mimeType"u8, mediaType);
        writer.WriteString("data"u8, base64);
        writer.WriteEndObject();
        writer.WriteEndObject();
    }

    private static string? Inner(JsonElement? parent, ReadOnlySpan<byte> name) =>
        parent is { ValueKind: JsonValueKind.Object } there ? there.FindText(name) : null;

    private static ProviderCall Invalid(string param, string message) => ProviderCall.Refuse(GatewayError.InvalidMember(param, message));
}
