using System.Text;
using System.Text.Json;
using LlmGateway.Providers.Wire;

namespace LlmGateway.Providers;

/// <summary>What the mock provider needs to know of a chat request in OpenAI's form.</summary>
internal sealed record MockRequest(string Model, bool IsStreaming, bool TellsUsage, string LastUserText, int PromptBytes)
{
    /// <summary>Reads the request; null where it is no chat request.</summary>
    public static MockRequest? Read(ReadOnlyMemory<byte> body)
    {
        try
        {
            using var document = JsonDocument.Parse(body);
            var root = document.RootElement;
            if (root.ValueKind != JsonValueKind.Object || root.Find("messages"u8) is not { ValueKind: JsonValueKind.Array } messages)
            {
                return null;
            }

            var tellsUsage = root.Find("stream_options"u8) is { ValueKind: JsonValueKind.Object } options && IsTrue(options, "include_usage"u8);
            var last = messages.EnumerateArray().LastOrDefault(IsUser);
            var text = last.ValueKind == JsonValueKind.Object ? ReadText(last.Find("content"u8)) : "";
            return new MockRequest(root.FindText("model"u8) ?? "mock", IsTrue(root, "stream"u8), tellsUsage, text, messages.GetRawText().Length);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return null;
        }
    }

    private static bool IsTrue(JsonElement parent, ReadOnlySpan<byte> name) => parent.Find(name) is { ValueKind: JsonValueKind.True };

    private static bool IsUser(JsonElement message) => message.ValueKind == JsonValueKind.Object && message.FindText("role"u8) == "user";

    /// <summary>The text of a message; texts of several parts are joined with a line break.</summary>
    private static string ReadText(JsonElement? content)
    {
        switch (content?.ValueKind)
        {
            case JsonValueKind.String:
                return content.Value.GetString()!;
            case JsonValueKind.Array:
                var text = new StringBuilder();
                foreach (var part in content.Value.EnumerateArray())
                {
                    if (part.ValueKind == JsonValueKind.Object && part.FindText("text"u8) is { Length: > 0 } piece)
                    {
                        text.Append(text.Length > 0 ? "\n" : "").Append(piece);
                    }
                }

                return text.ToString();
            default:
                return "";
        }
    }
}
