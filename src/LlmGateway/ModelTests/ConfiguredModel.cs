using LlmGateway.Model;

namespace LlmGateway.ModelTests;

/// <summary>A model that configuration names somewhere, and where.</summary>
/// <param name="Target">How to call it.</param>
/// <param name="Roles">The model roles that list it.</param>
/// <param name="Agents">The agents that call it, as their target or a fallback; <c>default</c> for calls without an agent.</param>
internal sealed record ConfiguredModel(ProviderTarget Target, IReadOnlyList<string> Roles, IReadOnlyList<string> Agents)
{
    /// <summary>Every model of the snapshot once: targets and fallbacks of agents, models of roles, models listed under providers.</summary>
    public static IReadOnlyList<ConfiguredModel> AllOf(GatewayConfig config)
    {
        var found = new Dictionary<(string Provider, string Model), Uses>();
        var order = new List<Uses>();
        foreach (var profile in config.Agents.OrderBy(agent => agent.Key, StringComparer.Ordinal).Select(agent => agent.Value).Prepend(config.Default))
        {
            foreach (var target in profile.Fallbacks.Prepend(profile.Target))
            {
                Add(target)?.Agents.Add(profile.Name);
            }
        }

        foreach (var role in config.Roles.OrderBy(role => RoleOrder(role.Key)))
        {
            foreach (var target in role.Value)
            {
                Add(target)?.Roles.Add(role.Key);
            }
        }

        foreach (var provider in config.Providers.Values.DistinctBy(provider => provider.Name).OrderBy(provider => provider.Name, StringComparer.Ordinal))
        {
            foreach (var model in provider.Models.Keys.Order(StringComparer.Ordinal))
            {
                Add(config.MakeTarget(provider, model));
            }
        }

        return [.. order.Select(uses => new ConfiguredModel(uses.Target, [.. uses.Roles.Distinct()], [.. uses.Agents.Distinct()]))];

        Uses? Add(ProviderTarget target)
        {
            // The mock that stands in for Ollama in development is nobody's configuration; the internal API may have no model yet.
            if (target.Model.Length == 0 || (target.Provider.Type == "mock" && target.OnlyAfter is not null))
            {
                return null;
            }

            var key = (target.Provider.Name, target.Model);
            if (!found.TryGetValue(key, out var uses))
            {
                found[key] = uses = new Uses(target);
                order.Add(uses);
            }
            else if (uses.Target.LacksApiKey && !target.LacksApiKey)
            {
                uses.Target = target;
            }

            return uses;
        }
    }

    private static int RoleOrder(string role) => role switch
    {
        "primary" => 0,
        "duplicate" => 1,
        "reserve" => 2,
        _ => 3,
    };

    private sealed class Uses(ProviderTarget target)
    {
        public ProviderTarget Target { get; set; } = target;

        public List<string> Roles { get; } = [];

        public List<string> Agents { get; } = [];
    }
}
