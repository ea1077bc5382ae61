using System.Text.Json;

namespace LlmGateway.FunctionalTests.Infrastructure;

/// <summary>Small questions about JSON that the rules of all dialects ask.</summary>
internal static class JsonRules
{
    /// <summary>The body as an object; null, with the reason, when it is none.</summary>
    public static JsonElement? Body(RecordedRequest request, out string? problem)
    {
        problem = null;
        if (request.Header("content-type") is not { } type || !type.StartsWith("application/json", StringComparison.OrdinalIgnoreCase))
        {
            problem = "content-type is not application/json";
            return null;
        }

        try
        {
            var body = request.Json();
            problem = body.ValueKind == JsonValueKind.Object ? null : "the body is not an object";
            return problem is null ? body : null;
        }
        catch (JsonException fault)
        {
            problem = $"the body is not JSON: {fault.Message}";
            return null;
        }
    }

    public static JsonElement? Get(this JsonElement element, string name) =>
        element.ValueKind == JsonValueKind.Object && element.TryGetProperty(name, out var value) ? value : null;

    public static bool Is(this JsonElement? element, params JsonValueKind[] kinds) => element is { } there && kinds.Contains(there.ValueKind);

    public static bool IsMissing(this JsonElement? element) => element is null or { ValueKind: JsonValueKind.Null };

    public static bool IsBool(this JsonElement? element) => element.Is(JsonValueKind.True, JsonValueKind.False);

    public static bool IsText(this JsonElement? element) => element.Is(JsonValueKind.String) && element!.Value.GetString()!.Length > 0;

    public static bool IsIntegerFrom(this JsonElement? element, long minimum) =>
        element.Is(JsonValueKind.Number) && element!.Value.TryGetInt64(out var number) && number >= minimum;

    public static bool IsNumberIn(this JsonElement? element, double low, double high) =>
        element.Is(JsonValueKind.Number) && element!.Value.TryGetDouble(out var number) && number >= low && number <= high;

    public static IEnumerable<JsonElement> Items(this JsonElement? element) =>
        element.Is(JsonValueKind.Array) ? element!.Value.EnumerateArray() : [];

    public static IEnumerable<string> UnknownMembers(this JsonElement element, params string[] known) =>
        element.EnumerateObject().Select(member => member.Name).Where(name => !known.Contains(name, StringComparer.Ordinal));

    /// <summary>Whether the text is JSON for an object.</summary>
    public static bool IsJsonObject(string text)
    {
        try
        {
            using var document = JsonDocument.Parse(text);
            return document.RootElement.ValueKind == JsonValueKind.Object;
        }
        catch (JsonException)
        {
            return false;
        }
    }
}
