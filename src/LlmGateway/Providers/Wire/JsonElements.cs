using System.Text.Json;

namespace LlmGateway.Providers.Wire;

/// <summary>Reads members of a request in which null means the same as nothing.</summary>
internal static class JsonElements
{
    /// <summary>The member, unless it is missing or null.</summary>
    public static JsonElement? Find(this JsonElement parent, ReadOnlySpan<byte> name) =>
        parent.TryGetProperty(name, out var value) && value.ValueKind != JsonValueKind.Null ? value : null;

    /// <summary>The member's text; null where it is no string.</summary>
    public static string? FindText(this JsonElement parent, ReadOnlySpan<byte> name) =>
        parent.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;
}
