using System.Text.Json;

namespace LlmGateway.Tools;

/// <summary>Reads a model's arguments, which may be anything.</summary>
internal static class ToolInput
{
    /// <summary>A text, or a number as it is written; null where there is neither.</summary>
    public static string? Text(JsonElement arguments, string name)
    {
        if (arguments.ValueKind != JsonValueKind.Object || !arguments.TryGetProperty(name, out var value))
        {
            return null;
        }

        try
        {
            return value.ValueKind switch
            {
                JsonValueKind.String => value.GetString(),
                JsonValueKind.Number => value.GetRawText(),
                _ => null,
            };
        }
        catch (InvalidOperationException)
        {
            // Half of a surrogate pair.
            return null;
        }
    }
}
