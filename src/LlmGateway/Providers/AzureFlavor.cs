using System.Net.Http.Headers;
using LlmGateway.Model;

namespace LlmGateway.Providers;

/// <summary>
/// Azure OpenAI: the key in a header of its own. With <c>api_version</c> the model is a deployment in the path; without, it is the newer
/// <c>/openai/v1</c>, which needs no version.
/// </summary>
internal sealed class AzureFlavor : OpenAiFlavor
{
    private const string Deployments = "/openai/deployments/";

    public override string Name => "azure";

    public override bool IsAt(Uri baseUrl) =>
        IsUnder(baseUrl, "openai.azure.com") || IsUnder(baseUrl, "cognitiveservices.azure.com") || IsUnder(baseUrl, "services.ai.azure.com");

    /// <summary>An Entra token goes into <c>headers</c> as <c>Authorization</c> instead.</summary>
    public override void AddKey(HttpRequestHeaders headers, string key) => headers.TryAddWithoutValidation("api-key", key);

    public override Uri Url(Uri baseUrl, ProviderTarget target, string path)
    {
        var root = baseUrl.GetLeftPart(UriPartial.Path).TrimEnd('/');
        if (target.Provider.ApiVersion is not { } version)
        {
            return new Uri(Without(root, "/openai/v1", "/openai") + "/openai/v1" + path);
        }

        // The base URL may name the deployment already.
        var deployment = root.Contains(Deployments, StringComparison.OrdinalIgnoreCase)
            ? Without(root, path)
            : Without(root, "/openai/v1", "/openai") + Deployments + Uri.EscapeDataString(target.Model);
        return new Uri($"{deployment}{path}?api-version={Uri.EscapeDataString(version)}");
    }

    private static string Without(string root, params ReadOnlySpan<string> suffixes)
    {
        foreach (var suffix in suffixes)
        {
            if (root.EndsWith(suffix, StringComparison.OrdinalIgnoreCase))
            {
                return root[..^suffix.Length];
            }
        }

        return root;
    }
}
