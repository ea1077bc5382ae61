using LlmGateway.Model;

namespace LlmGateway.Providers;

/// <summary>The flavors, found by the name in the settings, else by a well-known address.</summary>
internal sealed class OpenAiFlavors(ToolCallStates? states)
{
    private readonly OpenAiFlavor[] _all =
        [new AzureFlavor(), new DeepSeekFlavor(states), new GroqFlavor(), new LmStudioFlavor(), new MistralFlavor(), new VllmFlavor()];

    public IEnumerable<string> Names => _all.Select(flavor => flavor.Name);

    /// <summary>Null for a server that needs nothing evened out.</summary>
    public OpenAiFlavor? Find(ProviderConfig provider, Uri baseUrl) => provider.Flavor is { } name
        ? Array.Find(_all, flavor => flavor.Name == name)
        : Array.Find(_all, flavor => flavor.IsAt(baseUrl));
}
