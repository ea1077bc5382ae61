using LlmGateway.Model;
using LlmGateway.Profiles;

namespace LlmGateway.Api;

/// <summary>What a client key may put into <c>model</c> and get what the name says: agents, the default model, listed models.</summary>
internal static class ModelList
{
    private const string AgentAlias = "agent:";

    public static IEnumerable<ModelEntry> For(GatewayConfig config, ClientKey key) =>
        Names(config).DistinctBy(model => model.Id).Where(model => MayUse(config, key, model));

    /// <summary>One of the list by its id, or <c>provider/model</c> of a listed model; null where there is none for this key.</summary>
    public static ModelEntry? Find(GatewayConfig config, ClientKey key, string id)
    {
        foreach (var model in For(config, key))
        {
            if (model.Id == id)
            {
                return model;
            }
        }

        var slash = id.IndexOf('/', StringComparison.Ordinal);
        if (slash > 0 && config.Providers.TryGetValue(id[..slash], out var provider) && provider.Models.ContainsKey(id[(slash + 1)..]))
        {
            var named = new ModelEntry(id, provider.Name);
            return MayUse(config, key, named) ? named : null;
        }

        return null;
    }

    private static IEnumerable<ModelEntry> Names(GatewayConfig config)
    {
        foreach (var agent in config.Agents.Keys.Order(StringComparer.Ordinal))
        {
            yield return new ModelEntry(AgentAlias + agent, ModelEntry.Gateway);
        }

        var own = config.Default.Target;
        if (own.Model.Length > 0)
        {
            yield return new ModelEntry(own.Model, own.Provider.Name);
        }

        foreach (var (name, target) in config.ListedModels.OrderBy(listed => listed.Key, StringComparer.Ordinal))
        {
            yield return new ModelEntry(name, target.Provider.Name);
        }
    }

    /// <summary>Asks the very rules that a request with this name would meet; a name that leads elsewhere is no model of the list.</summary>
    private static bool MayUse(GatewayConfig config, ClientKey key, ModelEntry model)
    {
        var route = ProfileResolver.Resolve(config, header: null, path: null, model.Id);
        if (route.Error is not null || RoutePermission.Check(key, route) is not null)
        {
            return false;
        }

        return model.OwnedBy == ModelEntry.Gateway || (route.Target ?? route.Profile!.Target).Provider.Name == model.OwnedBy;
    }
}
