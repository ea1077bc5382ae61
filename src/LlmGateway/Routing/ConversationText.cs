using System.Text.Json;
using LlmGateway.Providers.Wire;

namespace LlmGateway.Routing;

/// <summary>A request's messages as plain text, for one who shall judge the answers to them: its latest part, without images and files.</summary>
internal static class ConversationText
{
    /// <param name="messages">The <c>messages</c> array, as the scanner has accepted it.</param>
    /// <param name="length">Characters at most; what is older is left out.</param>
    public static string Read(ReadOnlySpan<byte> messages, int length)
    {
        var reader = new Utf8JsonReader(messages);
        using var document = JsonDocument.ParseValue(ref reader);
        var lines = new List<string>();
        var left = length;
        foreach (var message in document.RootElement.EnumerateArray().Reverse())
        {
            var line = $"{message.FindText("role"u8)}: {Content(message)}{Calls(message)}";
            lines.Add(ShortText.Tail(line, Math.Max(left, 1)));
            left -= line.Length;
            if (left <= 0)
            {
                break;
            }
        }

        lines.Reverse();
        return string.Join('\n', lines);
    }

    private static string Content(JsonElement message) => message.Find("content"u8) switch
    {
        { ValueKind: JsonValueKind.String } text => text.GetString()!,
        { ValueKind: JsonValueKind.Array } parts => string.Join('\n', parts.EnumerateArray().Select(Part)),
        _ => "",
    };

    private static string Part(JsonElement part) => part.ValueKind switch
    {
        JsonValueKind.String => part.GetString()!,
        JsonValueKind.Object => part.FindText("text"u8) ?? $"[{ShortText.Head(part.FindText("type"u8) ?? "part", 32)}]",
        _ => "",
    };

    private static string Calls(JsonElement message) =>
        message.Find("tool_calls"u8) is { ValueKind: JsonValueKind.Array } calls ? calls.GetRawText() : "";
}
