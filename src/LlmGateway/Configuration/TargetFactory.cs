using LlmGateway.Configuration.Options;
using LlmGateway.Model;

namespace LlmGateway.Configuration;

/// <summary>Makes targets with their key, sampling, ticket and time-outs, and remembers which models configuration names.</summary>
internal sealed class TargetFactory(HostSettings host, TimeSpan? settingsTimeout, KeyLookup keys, TicketLookup tickets)
{
    private static readonly TimeSpan UsualTimeout = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan LocalModelLoad = TimeSpan.FromSeconds(300);

    private readonly HashSet<(string Provider, string Model)> _known = [];

    public IReadOnlySet<(string Provider, string Model)> Known => _known;

    public void Learn(ProviderConfig provider, string model) => _known.Add((provider.Name, model));

    /// <summary>A target that configuration names.</summary>
    public ProviderTarget Create(ProviderConfig provider, string model, string? apiKeyEnv, TargetOptions options)
    {
        Learn(provider, model);
        var key = keys.ForTarget(provider, apiKeyEnv);
        var timeout = options.Timeout ?? provider.Timeout ?? host.Llm.Timeout ?? settingsTimeout;
        return new ProviderTarget
        {
            Provider = provider,
            Model = model,
            ModelConfig = provider.Models.GetValueOrDefault(model),
            ApiKey = key.Value,
            ApiKeyVariables = key.Variables,
            Sampling = SamplingOf(options),
            Ticket = provider.IdentityHeaders is null ? null : tickets.Find(options) ?? host.Llm.Ticket,
            Timeout = timeout ?? UsualTimeout,
            FirstTokenTimeout = timeout is null && provider.Type == ProviderNames.Ollama ? LocalModelLoad : null,
        };
    }

    private SamplingDefaults SamplingOf(TargetOptions options) => new()
    {
        Temperature = options.Temperature ?? host.Llm.Temperature,
        TopP = options.TopP,
        MaxTokens = options.MaxTokens,
        Stop = options.Stop,
        Seed = options.Seed,
        ReasoningEffort = options.ReasoningEffort,
        WantsJson = options.WantsJson ?? false,
    };
}
