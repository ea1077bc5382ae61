using LlmGateway.Model;

namespace LlmGateway.Providers;

/// <summary>What is the same for every call to one configured provider: found out once.</summary>
/// <param name="BaseUrl">Where the provider is.</param>
/// <param name="ChatUrl">Its <c>chat/completions</c>, unless the flavor knows better.</param>
/// <param name="Flavor">How it differs from OpenAI; null: not at all.</param>
internal sealed record OpenAiEndpoint(Uri BaseUrl, Uri ChatUrl, OpenAiFlavor? Flavor)
{
    public Uri ChatUrlOf(ProviderTarget target) => Flavor?.ChatUrl(BaseUrl, target) ?? ChatUrl;
}
