using LlmGateway.Model;

namespace LlmGateway.Admin;

/// <summary>All targets that a snapshot names, each once: listed models, roles, agents and their fallbacks.</summary>
internal static class ConfiguredTargets
{
    public static IReadOnlyList<ProviderTarget> Of(GatewayConfig config)
    {
        var listed =
            from provider in config.Providers.Values.DistinctBy(provider => provider.Name)
            from model in provider.Models.Keys
            select config.MakeTarget(provider, model);
        return
        [
            .. listed
                .Concat(config.Roles.Values.SelectMany(targets => targets))
                .Concat(config.Agents.Values.Append(config.Default).SelectMany(profile => profile.Fallbacks.Prepend(profile.Target)))
                .Where(target => target.Model.Length > 0)
                .DistinctBy(target => (target.Provider.Name, target.Model))
                .OrderBy(target => target.Provider.Name, StringComparer.Ordinal)
                .ThenBy(target => target.Model, StringComparer.Ordinal),
        ];
    }
}
