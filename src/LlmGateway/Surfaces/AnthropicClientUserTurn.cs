using System.Text;
using System.Text.Json;
using LlmGateway.Providers.Wire;

namespace LlmGateway.Surfaces;

/// <summary>
/// Turns a user's turn into OpenAI's messages: one <c>tool</c> message for each tool result first, then the user's own words. A tool message
/// holds text alone, so that images and documents in a result move into the user message behind it.
/// </summary>
internal sealed class AnthropicClientUserTurn(ClientRequestReader request)
{
    private readonly List<Part> _moved = [];
    private readonly List<Part> _parts = [];

    private enum PartKind
    {
        Text,
        Image,
        File,
    }

    public void Read(JsonElement content, string path)
    {
        if (content.ValueKind == JsonValueKind.String)
        {
            request.WriteMessage("user", content.GetString()!);
            return;
        }

        var index = 0;
        var hasResults = false;
        foreach (var block in content.EnumerateArray())
        {
            var place = ClientRequestReader.At(path, index++);
            if (block.ValueKind == JsonValueKind.Object && block.FindText("type"u8) == "tool_result")
            {
                hasResults = true;
                WriteResult(block, place);
            }
            else
            {
                Collect(block, place, _parts);
            }
        }

        _parts.InsertRange(0, _moved);
        if (_parts.Count > 0 || !hasResults)
        {
            WriteUserMessage();
        }
    }

    private void WriteResult(JsonElement block, string place)
    {
        if (block.FindText("tool_use_id"u8) is not { Length: > 0 } id)
        {
            request.FailMissing($"{place}.tool_use_id");
            return;
        }

        List<Part> parts = [];
        switch (block.Find("content"u8))
        {
            case null:
                break;
            case { ValueKind: JsonValueKind.String } text:
                parts.Add(new Part(PartKind.Text, text.GetString()!));
                break;
            case { ValueKind: JsonValueKind.Array } blocks:
                var index = 0;
                foreach (var inner in blocks.EnumerateArray())
                {
                    Collect(inner, ClientRequestReader.At($"{place}.content", index++), parts);
                }

                break;
            default:
                request.Fail($"{place}.content", "it must be a string or an array of blocks.");
                break;
        }

        var others = parts.Where(part => part.Kind != PartKind.Text).ToList();
        var result = Join(parts);
        if (others.Count > 0)
        {
            _moved.Add(new Part(PartKind.Text, $"Attachments of the tool result {id}:"));
            _moved.AddRange(others);
            result = result.Length > 0 ? result : "The result is attached to the next message.";
        }

        if (block.Find("is_error"u8) is { ValueKind: JsonValueKind.True })
        {
            result = "Error: " + result;
        }

        request.Writer.WriteStartObject();
        request.Writer.WriteString("role"u8, "tool"u8);
        request.Writer.WriteString("tool_call_id"u8, id);
        request.Writer.WriteString("content"u8, result);
        request.Writer.WriteEndObject();
    }

    private void Collect(JsonElement block, string place, List<Part> parts)
    {
        var type = block.ValueKind == JsonValueKind.Object ? block.FindText("type"u8) : null;
        switch (type)
        {
            case "text":
                if (block.FindText("text"u8) is { Length: > 0 } text)
                {
                    parts.Add(new Part(PartKind.Text, text));
                }

                break;
            case "image":
                CollectImage(block.Find("source"u8), place, parts);
                break;
            case "document":
                CollectDocument(block, place, parts);
                break;
            case "search_result" when block.Find("content"u8) is { ValueKind: JsonValueKind.Array } results:
                parts.Add(new Part(PartKind.Text, $"{block.FindText("title"u8)} ({block.FindText("source"u8)})"));
                foreach (var result in results.EnumerateArray())
                {
                    Collect(result, place, parts);
                }

                break;
            case null:
                request.Fail($"{place}.type", "Field required");
                break;
            default:
                request.NeedsNative($"a content block of type '{(type.Length <= 64 ? type : type[..64])}'");
                break;
        }
    }

    private void CollectImage(JsonElement? source, string place, List<Part> parts)
    {
        switch (source is { ValueKind: JsonValueKind.Object } known ? known.FindText("type"u8) : null)
        {
            case "base64" when ReadBase64(source!.Value) is { } data:
                parts.Add(new Part(PartKind.Image, data));
                break;
            case "url" when source!.Value.FindText("url"u8) is { } url:
                parts.Add(new Part(PartKind.Image, url));
                break;
            case "file":
                request.NeedsNative("an uploaded file");
                break;
            default:
                request.Fail($"{place}.source", "it must be a base64, url or file source.");
                break;
        }
    }

    private void CollectDocument(JsonElement block, string place, List<Part> parts)
    {
        var source = block.Find("source"u8);
        switch (source is { ValueKind: JsonValueKind.Object } known ? known.FindText("type"u8) : null)
        {
            case "base64" when ReadBase64(source!.Value) is { } data:
                parts.Add(new Part(PartKind.File, data, block.FindText("title"u8) is { Length: > 0 } title ? title : "document.pdf"));
                break;
            case "text" when source!.Value.FindText("data"u8) is { } text:
                parts.Add(new Part(PartKind.Text, block.FindText("title"u8) is { Length: > 0 } name ? $"{name}\n\n{text}" : text));
                break;
            case "content" when source!.Value.Find("content"u8) is { ValueKind: JsonValueKind.Array } blocks:
                foreach (var inner in blocks.EnumerateArray())
                {
                    Collect(inner, place, parts);
                }

                break;
            case "content" when source!.Value.FindText("content"u8) is { } content:
                parts.Add(new Part(PartKind.Text, content));
                break;
            case "url":
                request.NeedsNative("a document by URL");
                break;
            case "file":
                request.NeedsNative("an uploaded file");
                break;
            default:
                request.Fail($"{place}.source", "it must be a base64, text, content, url or file source.");
                break;
        }
    }

    private static string? ReadBase64(JsonElement source) =>
        source.FindText("media_type"u8) is { Length: > 0 } type && source.FindText("data"u8) is { Length: > 0 } data ? $"data:{type};base64,{data}" : null;

    /// <summary>Text alone is a string, as every server takes it; anything else is a list of parts.</summary>
    private void WriteUserMessage()
    {
        if (_parts.Count <= 1 && _parts.All(part => part.Kind == PartKind.Text))
        {
            request.WriteMessage("user", Join(_parts));
            return;
        }

        var writer = request.Writer;
        writer.WriteStartObject();
        writer.WriteString("role"u8, "user"u8);
        writer.WriteStartArray("content"u8);
        foreach (var part in _parts)
        {
            switch (part.Kind)
            {
                case PartKind.Text:
                    request.WriteTextPart(part.Value);
                    break;
                case PartKind.Image:
                    request.WriteImagePart(part.Value);
                    break;
                default:
                    writer.WriteStartObject();
                    writer.WriteString("type"u8, "file"u8);
                    writer.WriteStartObject("file"u8);
                    writer.WriteString("filename"u8, part.Name);
                    writer.WriteString("file_data"u8, part.Value);
                    writer.WriteEndObject();
                    writer.WriteEndObject();
                    break;
            }
        }

        writer.WriteEndArray();
        writer.WriteEndObject();
    }

    private static string Join(List<Part> parts)
    {
        var text = new StringBuilder();
        foreach (var part in parts)
        {
            if (part.Kind == PartKind.Text)
            {
                text.Append(text.Length > 0 ? "\n" : "").Append(part.Value);
            }
        }

        return text.ToString();
    }

    private readonly record struct Part(PartKind Kind, string Value, string Name = "");
}
