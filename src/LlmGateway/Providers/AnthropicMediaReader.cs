using System.Text;
using System.Text.Json;
using LlmGateway.Model;
using LlmGateway.Providers.Wire;

namespace LlmGateway.Providers;

/// <summary>Reads images and files into <c>image</c> and <c>document</c> blocks. An image by URL goes on as a URL: the gateway fetches nothing for a client.</summary>
internal static class AnthropicMediaReader
{
    public static ProviderCall? ReadImage(JsonElement part, string place, List<AnthropicBlock> blocks, JsonElement? cacheControl)
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

        if (!IsWebUrl(url))
        {
            return ReadData(url, null, $"{place}.image_url.url", blocks, cacheControl);
        }

        Add(blocks, cacheControl, "image", writer =>
        {
            writer.WriteString("type"u8, "url"u8);
            writer.WriteString("url"u8, url);
        });
        return null;
    }

    public static ProviderCall? ReadFile(JsonElement part, string place, List<AnthropicBlock> blocks, JsonElement? cacheControl)
    {
        if (part.Find("file"u8) is not { ValueKind: JsonValueKind.Object } file)
        {
            return Invalid($"{place}.file", "It must be an object.");
        }

        return file.FindText("file_data"u8) is { } data
            ? ReadData(data, file.FindText("filename"u8), $"{place}.file.file_data", blocks, cacheControl)
            : ProviderCall.CannotCarry("files that are stored elsewhere (file_id)", $"{place}.file.file_id");
    }

    private static ProviderCall? ReadData(string uri, string? title, string param, List<AnthropicBlock> blocks, JsonElement? cacheControl)
    {
        if (!DataUri.TryParse(uri, out var data))
        {
            return Invalid(param, "It must be a data URI with valid base64, or an image's http(s) URL.");
        }

        var mediaType = data.MediaType.ToLowerInvariant();
        switch (mediaType)
        {
            case "image/jpeg" or "image/png" or "image/gif" or "image/webp":
                Add(blocks, cacheControl, "image", writer => WriteBase64(writer, mediaType, data.Base64));
                return null;
            case "image/jpg":
                Add(blocks, cacheControl, "image", writer => WriteBase64(writer, "image/jpeg", data.Base64));
                return null;
            case "application/pdf":
                Add(blocks, cacheControl, "document", writer => WriteBase64(writer, mediaType, data.Base64), title);
                return null;
            case "text/plain":
                var text = Encoding.UTF8.GetString(Convert.FromBase64String(data.Base64));
                Add(blocks, cacheControl, "document", writer => WriteSource(writer, "text", mediaType, text), title);
                return null;
            default:
                return ProviderCall.CannotCarry("media other than JPEG, PNG, GIF, WebP, PDF and plain text", param);
        }
    }

    private static void Add(List<AnthropicBlock> blocks, JsonElement? cacheControl, string type, Action<Utf8JsonWriter> writeSource, string? title = null) =>
        blocks.Add(new AnthropicBlock(AnthropicBlockKind.Content, writer =>
        {
            writer.WriteString("type"u8, type);
            writer.WriteStartObject("source"u8);
            writeSource(writer);
            writer.WriteEndObject();
            if (!string.IsNullOrEmpty(title))
            {
                writer.WriteString("title"u8, title);
            }
        })
        { CacheControl = cacheControl });

    private static void WriteBase64(Utf8JsonWriter writer, string mediaType, string data) => WriteSource(writer, "base64", mediaType, data);

    private static void WriteSource(Utf8JsonWriter writer, string type, string mediaType, string data)
    {
        writer.WriteString("type"u8, type);
        writer.WriteString("media_type"u8, mediaType);
        writer.WriteString("data"u8, data);
    }

    private static bool IsWebUrl(string url) =>
        url.StartsWith("http://", StringComparison.OrdinalIgnoreCase) || url.StartsWith("https://", StringComparison.OrdinalIgnoreCase);

    private static ProviderCall Invalid(string param, string message) => ProviderCall.Refuse(GatewayError.InvalidMember(param, message));
}
