using System.Collections.Concurrent;
using LlmGateway.Model;

namespace LlmGateway.Resilience;

/// <summary>States by target. They stay while provider, base URL and model stay the same; names that no file lists share one state per provider.</summary>
internal sealed class TargetStates
{
    private readonly ConcurrentDictionary<(string Provider, Uri? BaseUrl, string Model), TargetState> _states = new();

    public TargetState Of(ProviderTarget target) =>
        _states.GetOrAdd((target.Provider.Name, target.Provider.BaseUrl, target.ModelLabel), static _ => new TargetState());
}
