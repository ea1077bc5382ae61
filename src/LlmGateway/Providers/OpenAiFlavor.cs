using System.Net.Http.Headers;
using LlmGateway.Model;
using LlmGateway.Providers.Wire;

namespace LlmGateway.Providers;

/// <summary>
/// How one OpenAI-compatible server differs from OpenAI, as far as the difference must be evened out. A provider without a flavor is passed
/// through byte for byte and pays nothing for the others.
/// </summary>
internal abstract class OpenAiFlavor
{
    /// <summary>The name that <c>flavor</c> in the settings file refers to.</summary>
    public abstract string Name { get; }

    /// <summary>Whether this is the server's own public address: then nobody needs to name the flavor.</summary>
    public virtual bool IsAt(Uri baseUrl) => false;

    /// <summary>Where calls of this path (<c>/chat/completions</c>, <c>/embeddings</c>) go; null: under the base URL.</summary>
    public virtual Uri? Url(Uri baseUrl, ProviderTarget target, string path) => null;

    public virtual void AddKey(HttpRequestHeaders headers, string key) => headers.TryAddWithoutValidation("Authorization", "Bearer " + key);

    /// <summary>Edits the body that OpenAI would get.</summary>
    public virtual void EditRequest(JsonEdits body, GatewayRequest request, ProviderTarget target)
    {
    }

    /// <summary>What edits one answer, whole or chunk by chunk; null: it goes through as it is.</summary>
    public virtual OpenAiAnswerEditor? CreateEditor(GatewayRequest request, ProviderTarget target) => null;

    /// <summary>Whether the host is the domain or one below it.</summary>
    protected static bool IsUnder(Uri baseUrl, string domain) =>
        baseUrl.Host.Equals(domain, StringComparison.OrdinalIgnoreCase) || baseUrl.Host.EndsWith("." + domain, StringComparison.OrdinalIgnoreCase);
}
