using System.Text.Json;
using LlmGateway.Model;
using LlmGateway.Providers.Wire;

namespace LlmGateway.Providers;

/// <summary>Reads the content of a message that may hold text alone: a string, or parts.</summary>
internal static class GeminiTexts
{
    /// <summary>Adds the texts that are not empty: Gemini refuses empty parts.</summary>
    public static ProviderCall? Read(JsonElement message, string path, List<string> texts)
    {
        var content = message.Find("content"u8);
        switch (content?.ValueKind)
        {
            case null:
                Add(message.FindText("refusal"u8));
                return null;
            case JsonValueKind.String:
                Add(content.Value.GetString());
                return null;
            case JsonValueKind.Array:
                break;
            default:
                return Invalid($"{path}.content", "It must be a string or an array of parts.");
        }

        var index = 0;
        foreach (var part in content.Value.EnumerateArray())
        {
            var place = $"{path}.content[{index++}]";
            if (part.ValueKind != JsonValueKind.Object || part.FindText("type"u8) is not { } type)
            {
                return Invalid($"{place}.type", "A part must be an object with a type.");
            }

            if (type is not ("text" or "refusal"))
            {
                return ProviderCall.CannotCarry("parts other than text in messages of this role", place);
            }

            if (part.FindText(type == "text" ? "text"u8 : "refusal"u8) is not { } text)
            {
                return Invalid($"{place}.{type}", "It must be a string.");
            }

            Add(text);
        }

        return null;

        void Add(string? text)
        {
            if (!string.IsNullOrEmpty(text))
            {
                texts.Add(text);
            }
        }
    }

    private static ProviderCall Invalid(string param, string message) => ProviderCall.Refuse(GatewayError.InvalidMember(param, message));
}
