using System.Text;
using System.Text.Json;
using LlmGateway.Providers.Wire;

namespace LlmGateway.Sessions;

/// <summary>What a message says in words: its content, or the text parts of it.</summary>
internal static class MessageText
{
    public static string Of(ReadOnlySpan<byte> message)
    {
        var reader = new Utf8JsonReader(message);
        using var document = JsonDocument.ParseValue(ref reader);
        return Of(document.RootElement);
    }

    public static string Of(JsonElement message)
    {
        try
        {
            return message.Find("content"u8) switch
            {
                { ValueKind: JsonValueKind.String } text => text.GetString()!,
                { ValueKind: JsonValueKind.Array } parts => Join(parts),
                _ => "",
            };
        }
        catch (InvalidOperationException)
        {
            // Half of a surrogate pair: no text.
            return "";
        }
    }

    private static string Join(JsonElement parts)
    {
        var text = new StringBuilder();
        foreach (var part in parts.EnumerateArray())
        {
            if (part.ValueKind == JsonValueKind.Object && part.FindText("text"u8) is { } piece)
            {
                text.Append(text.Length == 0 ? "" : "\n").Append(piece);
            }
        }

        return text.ToString();
    }
}
