using System.Collections.Frozen;
using LlmGateway.Configuration.Options;
using LlmGateway.Model;

namespace LlmGateway.Configuration;

/// <summary>Finds targets by model name and by role.</summary>
internal sealed class ModelIndex
{
    private ModelIndex(
        FrozenDictionary<string, ProviderTarget> listed,
        FrozenDictionary<string, IReadOnlyList<ProviderTarget>> roles,
        FrozenDictionary<string, IReadOnlyList<ProviderTarget>> chains)
    {
        Listed = listed;
        Roles = roles;
        Chains = chains;
    }

    public FrozenDictionary<string, ProviderTarget> Listed { get; }

    public FrozenDictionary<string, IReadOnlyList<ProviderTarget>> Roles { get; }

    public FrozenDictionary<string, IReadOnlyList<ProviderTarget>> Chains { get; }

    /// <param name="settings">The settings file.</param>
    /// <param name="catalog">All providers.</param>
    /// <param name="usual">Provider of models that nobody lists.</param>
    /// <param name="create">Makes a target as the default profile would.</param>
    public static ModelIndex Build(SettingsOptions settings, ProviderCatalog catalog, ProviderConfig usual, Func<ProviderConfig, string, ProviderTarget> create)
    {
        var listed = new Dictionary<string, ProviderTarget>(StringComparer.Ordinal);
        foreach (var provider in catalog.Listed.OrderByDescending(provider => provider == usual))
        {
            // The options keep the file's order; the frozen dictionary does not.
            foreach (var model in settings.Providers.First(options => options.Name == provider.Name).Models)
            {
                listed.TryAdd(model.Name, create(provider, model.Name));
            }
        }

        var roles = ConfigMembers.Roles
            .Where(settings.Roles.ContainsKey)
            .ToDictionary(
                role => role,
                role => (IReadOnlyList<ProviderTarget>)[.. settings.Roles[role].Distinct(StringComparer.Ordinal).Select(model => listed.GetValueOrDefault(model) ?? create(usual, model))],
                StringComparer.Ordinal);
        foreach (var target in roles.Values.SelectMany(targets => targets))
        {
            // A role entry has an owner as well: its name leads there, too.
            listed.TryAdd(target.Model, target);
        }

        return new ModelIndex(
            listed.ToFrozenDictionary(StringComparer.Ordinal),
            roles.ToFrozenDictionary(StringComparer.Ordinal),
            BuildChains(roles).ToFrozenDictionary(StringComparer.Ordinal));
    }

    /// <summary>From each role on, through all later ones; a model that two roles name comes once.</summary>
    private static Dictionary<string, IReadOnlyList<ProviderTarget>> BuildChains(Dictionary<string, IReadOnlyList<ProviderTarget>> roles)
    {
        var chains = new Dictionary<string, IReadOnlyList<ProviderTarget>>(StringComparer.Ordinal);
        for (var first = 0; first < ConfigMembers.Roles.Length; first++)
        {
            ProviderTarget[] chain =
            [
                .. ConfigMembers.Roles[first..].SelectMany(role => roles.GetValueOrDefault(role) ?? []).DistinctBy(target => (target.Provider.Name, target.Model)),
            ];
            if (roles.Count > 0)
            {
                chains[ConfigMembers.Roles[first]] = chain;
            }
        }

        return chains;
    }
}
