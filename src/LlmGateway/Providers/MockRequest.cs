using System.Text;
using System.Text.Json;
using LlmGateway.Providers.Wire;

namespace LlmGateway.Providers;

/// <summary>What the mock provider needs to know of a chat request in OpenAI's form.</summary>
internal sealed record MockRequest(string Model, bool IsStreaming, bool TellsUsage, string LastUserText, int PromptBytes)
{
    /// <summary>Names of the functions that may be called.</summary>
    public IReadOnlyCollection<string> OfferedTools { get; private init; } = [];

    /// <summary>What the tools said since the last question.</summary>
    public IReadOnlyList<(string Tool, string Text)> ToolResults { get; private init; } = [];

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
            return new MockRequest(root.FindText("model"u8) ?? "mock", IsTrue(root, "stream"u8), tellsUsage, text, messages.GetRawText().Length)
            {
                OfferedTools = ReadTools(root),
                ToolResults = ReadToolResults(messages),
            };
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return null;
        }
    }

    private static List<string> ReadTools(JsonElement root) => root.FindText("tool_choice"u8) == "none"
        ? []
        : [.. JsonEdits.Objects(root.Find("tools"u8)).Select(tool => tool.Find("function"u8)?.FindText("name"u8)).OfType<string>()];

    private static List<(string Tool, string Text)> ReadToolResults(JsonElement messages)
    {
        var names = new Dictionary<string, string>(StringComparer.Ordinal);
        var results = new List<(string, string)>();
        foreach (var message in JsonEdits.Objects(messages))
        {
            if (IsUser(message))
            {
                results.Clear();
            }

            foreach (var call in JsonEdits.Objects(message.Find("tool_calls"u8)))
            {
                names[call.FindText("id"u8) ?? ""] = call.Find("function"u8)?.FindText("name"u8) ?? "";
            }

            if (message.FindText("role"u8) == "tool")
            {
                results.Add((names.GetValueOrDefault(message.FindText("tool_call_id"u8) ?? "", "a tool"), ReadText(message.Find("content"u8))));
            }
        }

        return results;
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
