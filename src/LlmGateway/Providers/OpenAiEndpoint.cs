using LlmGateway.Model;

namespace LlmGateway.Providers;

/// <summary>What is the same for every call to one configured provider: found out once.</summary>
internal sealed class OpenAiEndpoint
{
    private const string Chat = "/chat/completions";
    private const string Completions = "/completions";
    private const string Embeddings = "/embeddings";

    private readonly Uri _baseUrl;
    private readonly Uri _chat;
    private readonly Uri _completions;
    private readonly Uri _embeddings;

    /// <param name="baseUrl">Where the provider is.</param>
    /// <param name="flavor">How it differs from OpenAI; null: not at all.</param>
    public OpenAiEndpoint(Uri baseUrl, OpenAiFlavor? flavor)
    {
        var root = ProviderUrl.OpenAiRoot(baseUrl);
        _baseUrl = baseUrl;
        _chat = new Uri(root + Chat);
        _completions = new Uri(root + Completions);
        _embeddings = new Uri(root + Embeddings);
        Flavor = flavor;
    }

    public OpenAiFlavor? Flavor { get; }

    public Uri UrlOf(Operation operation, ProviderTarget target)
    {
        var (path, usual) = operation switch
        {
            Operation.Completions => (Completions, _completions),
            Operation.Embeddings => (Embeddings, _embeddings),
            _ => (Chat, _chat),
        };
        return Flavor?.Url(_baseUrl, target, path) ?? usual;
    }
}
