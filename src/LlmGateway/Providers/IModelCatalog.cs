using LlmGateway.Model;

namespace LlmGateway.Providers;

/// <summary>How to ask one kind of provider, cheaply, whether it is there, takes the key and has a model.</summary>
public interface IModelCatalog
{
    /// <summary>The request for the provider's list of models; null where there is nothing to ask.</summary>
    HttpRequestMessage? CreateListCall(GatewayRequest request, ProviderTarget target);

    /// <summary>The request that shows whether the key is taken, where the list is open to everybody; null: the list shows it.</summary>
    HttpRequestMessage? CreateKeyCall(GatewayRequest request, ProviderTarget target) => null;

    /// <summary>The models of an answer to the list call; null where it is no such list.</summary>
    IReadOnlyList<string>? ReadList(ReadOnlyMemory<byte> body);

    /// <summary>Whether a listed name is the configured model.</summary>
    bool IsModel(string listed, string model) => string.Equals(listed, model, StringComparison.Ordinal);

    /// <summary>What to do when the provider is there and the model is not; null: nothing particular.</summary>
    string? RemedyFor(string model) => null;
}
