using System.Text.Json;
using LlmGateway.Providers.Wire;

namespace LlmGateway.Providers;

/// <summary>
/// Servers call a model's thoughts <c>reasoning</c> or <c>reasoning_content</c>. Towards clients it is <c>reasoning_content</c>, which is also
/// what the gateway's own translations write. (OpenRouter keeps its own <c>reasoning</c>: its clients know it and its <c>reasoning_details</c>.)
/// </summary>
internal static class OpenAiReasoning
{
    public static bool IsConcerned(ReadOnlySpan<byte> json) => json.IndexOf("\"reasoning\""u8) >= 0;

    public static void Rename(JsonEdits edits, JsonElement message)
    {
        if (message.Find("reasoning"u8) is not { ValueKind: JsonValueKind.String })
        {
            return;
        }

        if (!message.TryGetProperty("reasoning_content"u8, out var content))
        {
            edits.Rename(message, "reasoning", "reasoning_content");
        }
        else if (content.ValueKind == JsonValueKind.String)
        {
            // Some send both for a while, with the same text.
            edits.Remove(message, "reasoning");
        }
        else
        {
            edits.Remove(message, "reasoning_content");
            edits.Rename(message, "reasoning", "reasoning_content");
        }
    }
}
