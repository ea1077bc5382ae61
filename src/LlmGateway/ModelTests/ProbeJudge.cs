using System.Text.Json;

namespace LlmGateway.ModelTests;

/// <summary>Says of an answer what is missing for the probe to be passed; null: nothing.</summary>
internal static class ProbeJudge
{
    public static string? Chat(ProbeAnswer answer) => string.IsNullOrWhiteSpace(answer.Text) ? "the answer has no text" : null;

    public static string? Streaming(ProbeAnswer answer) => answer switch
    {
        { Text.Length: 0 } => "the stream has no text",
        { IsComplete: false } => "the stream has no proper end",
        _ => null,
    };

    public static string? StopReason(ProbeAnswer answer) => answer.FinishReason is null ? "the answer does not say why it ended" : null;

    public static string? Tools(ProbeAnswer answer) => CountCalls(answer) >= 1 ? null : "no call of the tool with its argument";

    public static string? ParallelTools(ProbeAnswer answer) => CountCalls(answer) switch
    {
        >= 2 => null,
        1 => "one call where two were asked for",
        _ => "no call of the tool with its argument",
    };

    public static string? Json(ProbeAnswer answer) => Holds(answer.Text, root => root.ValueKind == JsonValueKind.Object) ? null : "the answer is no JSON object";

    public static string? JsonSchema(ProbeAnswer answer) => Holds(answer.Text, Fits) ? null : "the answer does not follow the schema";

    public static string? Vision(ProbeAnswer answer) =>
        answer.Text.Contains(ProbeRequests.Colour, StringComparison.OrdinalIgnoreCase) ? null : "it does not name the image's colour";

    private static bool Fits(JsonElement root) =>
        root.ValueKind == JsonValueKind.Object
        && root.TryGetProperty(ProbeRequests.SchemaText, out var name) && name.ValueKind == JsonValueKind.String
        && root.TryGetProperty(ProbeRequests.SchemaNumber, out var number) && number.ValueKind == JsonValueKind.Number
        && root.EnumerateObject().Count() == 2;

    private static int CountCalls(ProbeAnswer answer)
    {
        if (answer.Message.ValueKind != JsonValueKind.Object || !answer.Message.TryGetProperty("tool_calls", out var calls) || calls.ValueKind != JsonValueKind.Array)
        {
            return 0;
        }

        return calls.EnumerateArray().Count(call =>
            call.TryGetProperty("function", out var function)
            && function.TryGetProperty("name", out var name) && name.ValueEquals(ProbeRequests.ToolName)
            && function.TryGetProperty("arguments", out var arguments) && arguments.ValueKind == JsonValueKind.String
            && Holds(arguments.GetString()!, root => root.ValueKind == JsonValueKind.Object && root.TryGetProperty(ProbeRequests.ToolArgument, out var city) && city.ValueKind == JsonValueKind.String));
    }

    private static bool Holds(string text, Func<JsonElement, bool> condition)
    {
        try
        {
            using var document = JsonDocument.Parse(text);
            return condition(document.RootElement);
        }
        catch (JsonException)
        {
            return false;
        }
    }
}
