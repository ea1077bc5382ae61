using System.Text.RegularExpressions;

namespace LlmGateway.Providers;

/// <summary>Base URLs as users write them: with or without version path and trailing slash.</summary>
public static partial class ProviderUrl
{
    /// <summary>The root of an OpenAI-form API, ending in its version path: <c>https://host/v1</c>.</summary>
    public static string OpenAiRoot(Uri baseUrl)
    {
        var root = baseUrl.GetLeftPart(UriPartial.Path).TrimEnd('/');
        return VersionPath().IsMatch(root) ? root : root + "/v1";
    }

    // "/v1", "/v1beta", "/v4", also "/v1beta/openai" (Gemini's OpenAI form).
    [GeneratedRegex("/v[0-9]+[a-z0-9]*(/openai)?$", RegexOptions.CultureInvariant)]
    private static partial Regex VersionPath();
}
