using LlmGateway.Configuration.Options;
using LlmGateway.Model;

namespace LlmGateway.Configuration;

/// <summary>Turns an agent as written into the profile that this environment uses: overlay, targets, what follows what.</summary>
internal sealed class ProfileFactory(
    HostSettings host,
    AgentsOptions agents,
    string impliedProvider,
    ProviderCatalog catalog,
    TargetFactory targets,
    Action<TargetOptions, string, string?> report)
{
    /// <summary>The built-in mock stands in only for a local model that is not there, never for one that fails.</summary>
    private static readonly HashSet<FailureReason> LocalModelIsMissing = [FailureReason.Connection, FailureReason.ModelUnavailable];

    /// <summary>What the default profile says in this environment, the overlay included.</summary>
    public AgentOptions DefaultOptions { get; } = WithOverlay(agents.Default, host, impliedProvider);

    public AgentProfile CreateDefault() => Create(AgentProfile.DefaultName, agents.Default, isDefault: true);

    public AgentProfile Create(string name, AgentOptions options) => Create(name, options.Over(agents.Default, impliedProvider), isDefault: false);

    private static AgentOptions WithOverlay(AgentOptions options, HostSettings host, string impliedProvider) =>
        options.OverlayFor(host.Environment) is { } overlay ? overlay.Over(options, impliedProvider) : options;

    private AgentProfile Create(string name, AgentOptions options, bool isDefault)
    {
        var overlay = options.OverlayFor(host.Environment);
        var merged = WithOverlay(options, host, impliedProvider);

        // In development nothing leaves the machine unless the overlay itself names a provider.
        var spoken = host.IsDevelopment ? overlay : merged;
        var isLocal = host.IsDevelopment && overlay?.Provider is null;
        var (target, keyEnv) = isLocal ? (CreateOllama(merged, overlay?.ModelName), null) : (Resolve(merged), merged.ApiKeyEnv);
        return new AgentProfile
        {
            Name = name,
            IsDefault = isDefault,
            Target = target,
            Fallbacks = CreateFallbacks(merged, spoken, target, keyEnv),
            SystemPrompt = merged.SystemPrompt,
            Strategy = merged.Strategy,
            FallbackOn = merged.FallbackOn,
            Role = spoken?.Role,
            FreeOnly = merged.FreeOnly ?? false,
            AllowsModelOverride = merged.AllowModelOverride ?? false,
            CacheTtl = merged.CacheTtl is { Ticks: > 0 } ttl ? ttl : null,
            Tools = merged.Tools ?? [],
            Evaluator = spoken?.Evaluator,
            HedgeAfter = merged.HedgeAfter,
        };
    }

    private List<ProviderTarget> CreateFallbacks(AgentOptions merged, AgentOptions? spoken, ProviderTarget target, string? keyEnv)
    {
        var chain = new List<ProviderTarget> { target };
        if (agents.IsFallbackEnabled)
        {
            foreach (var fallback in spoken?.Fallbacks ?? (host.IsDevelopment ? [] : agents.Fallbacks))
            {
                Append(chain, Resolve(fallback, merged, target, keyEnv));
            }

            if (!host.IsDevelopment && host.Llm.IsOllamaSet)
            {
                Append(chain, CreateOllama(merged));
            }
        }

        if (host.IsDevelopment && catalog.Find(ProviderNames.Mock) is { } mock)
        {
            Append(chain, targets.Create(mock, ProviderNames.Mock, null, merged) with { OnlyAfter = LocalModelIsMissing });
        }

        chain.RemoveAt(0);
        return chain;
    }

    private static void Append(List<ProviderTarget> chain, ProviderTarget? target)
    {
        if (target is not null && !chain.Exists(other => other.Provider == target.Provider && other.Model == target.Model && other.ApiKey == target.ApiKey))
        {
            chain.Add(target);
        }
    }

    private ProviderTarget CreateOllama(AgentOptions options, string? model = null)
    {
        var ollama = catalog.Find(ProviderNames.Ollama)!;
        return targets.Create(ollama, model ?? ollama.DefaultModel ?? "", null, options);
    }

    private ProviderTarget Resolve(AgentOptions options)
    {
        var provider = catalog.Find(options.Provider ?? impliedProvider) ?? catalog.Find(ProviderNames.Internal)!;
        return targets.Create(provider, ModelOf(provider, options.ModelName, options), options.ApiKeyEnv, options);
    }

    /// <summary>A fallback follows the same rule as an agent: the target's model and key only at the target's own provider.</summary>
    private ProviderTarget? Resolve(TargetOptions fallback, AgentOptions agent, ProviderTarget target, string? keyEnv)
    {
        if (catalog.Find(fallback.Provider ?? target.Provider.Name) is not { } provider)
        {
            return null;
        }

        var keepsProvider = provider == target.Provider;
        var model = ModelOf(provider, fallback.ModelName ?? (keepsProvider ? target.Model : null), fallback);
        return targets.Create(provider, model, fallback.ApiKeyEnv ?? (keepsProvider ? keyEnv : null), fallback with
        {
            Temperature = fallback.Temperature ?? agent.Temperature,
            MaxTokens = fallback.MaxTokens ?? agent.MaxTokens,
            TopP = fallback.TopP ?? agent.TopP,
            Stop = fallback.Stop ?? agent.Stop,
            Seed = fallback.Seed ?? agent.Seed,
            ReasoningEffort = fallback.ReasoningEffort ?? agent.ReasoningEffort,
            WantsJson = fallback.WantsJson ?? agent.WantsJson,
            Timeout = fallback.Timeout ?? agent.Timeout,
            TicketEnv = fallback.TicketEnv ?? agent.TicketEnv,
        });
    }

    private string ModelOf(ProviderConfig provider, string? named, TargetOptions options)
    {
        // What the internal API lacks is told by the start rules, in one message with what else is missing.
        if ((named ?? provider.DefaultModel) is null && provider.Name != ProviderNames.Internal)
        {
            report(options, $"no model is known for the provider \"{provider.Name}\"", "Name model_name here, or list a model under the provider.");
        }

        return named ?? provider.DefaultModel ?? "";
    }
}
