using System.Text.Json;

namespace LlmGateway.FunctionalTests.Infrastructure;

/// <summary>One line of a gateway's log.</summary>
/// <param name="Level">Lower case, <c>information</c> say.</param>
/// <param name="Message">The rendered message.</param>
/// <param name="Json">The whole line.</param>
internal sealed record LogLine(string Level, string Message, JsonElement Json)
{
    public static LogLine Parse(string line)
    {
        using var document = JsonDocument.Parse(line, new JsonDocumentOptions { AllowDuplicateProperties = false });
        var json = document.RootElement.Clone();
        return new LogLine(json.GetProperty("level").GetString()!, json.GetProperty("message").GetString()!, json);
    }

    /// <summary>A property's text; null when the line has none of that name.</summary>
    public string? this[string name] => Json.TryGetProperty(name, out var value) ? value.ToString() : null;

    public override string ToString() => Json.GetRawText();
}
