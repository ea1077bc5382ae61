using System.Collections.Frozen;

namespace LlmGateway.Routing;

/// <summary>All strategies by name.</summary>
internal sealed class StrategySet(IEnumerable<IRoutingStrategy> strategies)
{
    private readonly FrozenDictionary<string, IRoutingStrategy> _byName = strategies.ToFrozenDictionary(strategy => strategy.Name, StringComparer.Ordinal);

    public IReadOnlyCollection<string> Names => _byName.Keys;

    public IRoutingStrategy this[string name] => _byName[name];

    public bool Contains(string name) => _byName.ContainsKey(name);
}
