using System.Text.RegularExpressions;

namespace LlmGateway.Providers;

/// <summary>Where a Gemini model is called. The model's name is one path segment, whatever stands in it.</summary>
internal static partial class GeminiUrl
{
    /// <param name="baseUrl">As people write it: with or without version path, <c>/openai</c> and slash at its end.</param>
    /// <param name="apiVersion">The version where the base URL names none; null: <c>v1beta</c>.</param>
    /// <param name="model">With or without the <c>models/</c> of Google's own lists.</param>
    /// <param name="isStreaming">Whether the answer is streamed.</param>
    public static Uri Of(Uri baseUrl, string? apiVersion, string model, bool isStreaming)
    {
        var root = baseUrl.GetLeftPart(UriPartial.Path).TrimEnd('/');
        if (root.EndsWith("/openai", StringComparison.OrdinalIgnoreCase))
        {
            root = root[..^"/openai".Length];
        }

        if (!VersionPath().IsMatch(root))
        {
            root += "/" + Uri.EscapeDataString(apiVersion ?? "v1beta");
        }

        var (collection, name) = model.Split('/', 2) is ["models" or "tunedModels", { Length: > 0 } bare] ? (model[..model.IndexOf('/', StringComparison.Ordinal)], bare) : ("models", model);

        // Without alt=sse the stream would be one growing array. The action behind the name keeps ".." from being a path's step.
        var action = isStreaming ? ":streamGenerateContent?alt=sse" : ":generateContent";
        return new Uri($"{root}/{collection}/{Uri.EscapeDataString(name)}{action}");
    }

    [GeneratedRegex("/v[0-9]+[a-z0-9]*$", RegexOptions.CultureInvariant | RegexOptions.IgnoreCase)]
    private static partial Regex VersionPath();
}
