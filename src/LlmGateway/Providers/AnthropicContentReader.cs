using System.Text.Json;
using LlmGateway.Model;
using LlmGateway.Providers.Wire;

namespace LlmGateway.Providers;

/// <summary>Reads what a message says into content blocks; blank texts are left out, because the provider refuses them.</summary>
internal static class AnthropicContentReader
{
    public static ProviderCall? Read(JsonElement message, string path, bool allowsMedia, List<AnthropicBlock> blocks)
    {
        var content = message.Find("content"u8);
        var problem = content?.ValueKind switch
        {
            null => AddText(blocks, message.FindText("refusal"u8) ?? "", null),
            JsonValueKind.String => AddText(blocks, content.Value.GetString()!, null),
            JsonValueKind.Array => ReadParts(content.Value, $"{path}.content", allowsMedia, blocks),
            _ => Invalid($"{path}.content", "It must be a string or an array of parts."),
        };
        if (blocks.Count > 0 && blocks[^1].CacheControl is null && message.Find("cache_control"u8) is { } breakpoint)
        {
            blocks[^1] = blocks[^1] with { CacheControl = breakpoint };
        }

        return problem;
    }

    private static ProviderCall? ReadParts(JsonElement parts, string path, bool allowsMedia, List<AnthropicBlock> blocks)
    {
        var index = 0;
        foreach (var part in parts.EnumerateArray())
        {
            var place = $"{path}[{index++}]";
            if (part.ValueKind != JsonValueKind.Object || part.FindText("type"u8) is not { } type)
            {
                return Invalid($"{place}.type", "A part must be an object with a type.");
            }

            if (ReadPart(part, type, place, allowsMedia, blocks) is { } problem)
            {
                return problem;
            }
        }

        return null;
    }

    private static ProviderCall? ReadPart(JsonElement part, string type, string place, bool allowsMedia, List<AnthropicBlock> blocks)
    {
        var breakpoint = part.Find("cache_control"u8);
        switch (type)
        {
            case "text":
            case "refusal":
                return part.FindText(type == "text" ? "text"u8 : "refusal"u8) is { } text
                    ? AddText(blocks, text, breakpoint)
                    : Invalid($"{place}.{type}", "It must be a string.");
            case "image_url" when allowsMedia:
                return AnthropicMediaReader.ReadImage(part, place, blocks, breakpoint);
            case "file" when allowsMedia:
                return AnthropicMediaReader.ReadFile(part, place, blocks, breakpoint);
            default:
                return ProviderCall.CannotCarry(
                    type switch
                    {
                        "input_audio" => "audio input",
                        "image_url" or "file" => "images or files in this kind of message",
                        _ => "a content part of a kind that Anthropic does not know",
                    },
                    $"{place}.type");
        }
    }

    private static ProviderCall? AddText(List<AnthropicBlock> blocks, string text, JsonElement? breakpoint)
    {
        if (!string.IsNullOrWhiteSpace(text))
        {
            blocks.Add(AnthropicBlock.OfText(text) with { CacheControl = breakpoint });
        }

        return null;
    }

    private static ProviderCall Invalid(string param, string message) => ProviderCall.Refuse(GatewayError.InvalidMember(param, message));
}
