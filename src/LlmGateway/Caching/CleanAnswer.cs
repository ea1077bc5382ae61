using System.Text.Json;
using LlmGateway.Providers.Wire;

namespace LlmGateway.Caching;

/// <summary>Whether an answer is one that may be given again: every choice came to an end of its own, none was cut by a limit or a filter.</summary>
internal static class CleanAnswer
{
    public static bool IsCleanFinish(string? finish) => finish is "stop" or "tool_calls" or "function_call";

    public static bool IsClean(ReadOnlyMemory<byte> completion)
    {
        try
        {
            using var document = JsonDocument.Parse(completion);
            return document.RootElement.Find("choices"u8) is { ValueKind: JsonValueKind.Array } choices
                && choices.GetArrayLength() > 0
                && choices.EnumerateArray().All(choice => IsCleanFinish(choice.FindText("finish_reason"u8)));
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            return false;
        }
    }
}
