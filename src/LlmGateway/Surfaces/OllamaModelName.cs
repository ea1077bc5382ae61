using LlmGateway.Model;

namespace LlmGateway.Surfaces;

/// <summary>What Ollama's clients call a model: <c>name:tag</c>, where the tag <c>latest</c> may be left out, and is added by clients that tidy up.</summary>
internal static class OllamaModelName
{
    private const string DefaultTag = ":latest";

    /// <summary>The name as the gateway's configuration knows it.</summary>
    public static string Resolve(string name, GatewayConfig config) =>
        name.EndsWith(DefaultTag, StringComparison.Ordinal) && !config.ListedModels.ContainsKey(name) && name != config.Default.Target.Model
            ? name[..^DefaultTag.Length]
            : name;
}
