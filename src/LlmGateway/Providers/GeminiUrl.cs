using System.Text.RegularExpressions;

namespace LlmGateway.Providers;

/// <summary>Where a Gemini model is called. The model's name is one path segment, whatever stands in it.</summary>
internal static partial class GeminiUrl
{
    /// <param name="baseUrl">As people write it: with or without version path, <c>/openai</c> and slash at its end.</param>
    /// <param name="apiVersion">The version where the base URL names none; null: <c>v1beta</c>.</param>
    /// <param name="model">With or without the <c>models/</c> of Google's own lists.</param>
    /// <param name="action">What is asked of the model, colon first; may bring a query.</param>
    public static Uri Of(Uri baseUrl, string? apiVersion, string model, string action)
    {
        // The action behind the name keeps ".." from being a path's step.
        var (collection, name) = Split(model);
        return new Uri($"{Root(baseUrl, apiVersion)}/{collection}/{Uri.EscapeDataString(name)}{action}");
    }

    /// <summary>Where the list of models is.</summary>
    public static Uri OfList(Uri baseUrl, string? apiVersion) => new(Root(baseUrl, apiVersion) + "/models?pageSize=1000");

    /// <summary>The model's name as it stands in a body: with its collection.</summary>
    public static string ResourceName(string model)
    {
        var (collection, name) = Split(model);
        return $"{collection}/{name}";
    }

    private static string Root(Uri baseUrl, string? apiVersion)
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

        return root;
    }

    private static (string Collection, string Name) Split(string model) =>
        model.Split('/', 2) is [("models" or "tunedModels") and var collection, { Length: > 0 } name] ? (collection, name) : ("models", model);

    [GeneratedRegex("/v[0-9]+[a-z0-9]*$", RegexOptions.CultureInvariant | RegexOptions.IgnoreCase)]
    private static partial Regex VersionPath();
}
