using System.Text.Json;

namespace LlmGateway.Providers;

/// <summary>Reads the names out of a provider's list of models.</summary>
internal static class ModelNames
{
    /// <param name="body">The answer.</param>
    /// <param name="list">The member that holds the list.</param>
    /// <param name="names">Members of an entry that hold its name; the first that is there counts.</param>
    public static IReadOnlyList<string>? Read(ReadOnlyMemory<byte> body, string list, params ReadOnlySpan<string> names)
    {
        try
        {
            using var document = JsonDocument.Parse(body);
            var root = document.RootElement;
            var entries = root.ValueKind == JsonValueKind.Object && root.TryGetProperty(list, out var member) ? member : root;
            if (entries.ValueKind != JsonValueKind.Array)
            {
                return null;
            }

            var found = new List<string>();
            foreach (var entry in entries.EnumerateArray())
            {
                foreach (var name in names)
                {
                    if (entry.ValueKind == JsonValueKind.Object && entry.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String)
                    {
                        found.Add(value.GetString()!);
                        break;
                    }
                }
            }

            return found;
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            return null;
        }
    }
}
