using LlmGateway.Configuration.Options;
using LlmGateway.Model;

namespace LlmGateway.Configuration;

/// <summary>
/// Finds a provider's key: the variable that <c>api_key_env</c> names, the provider's configured key, its default variables,
/// then the same names in <c>.env</c>. Only names are ever reported.
/// </summary>
internal sealed class KeyLookup(SettingsSource settings, ICollection<ConfigProblem> problems)
{
    private readonly HashSet<string> _reported = new(StringComparer.Ordinal);
    private readonly Dictionary<string, ProviderOptions> _listed = new(StringComparer.OrdinalIgnoreCase);

    /// <summary>The provider's own key; it remembers what the file says of it for <see cref="ForTarget"/>.</summary>
    public Result ForProvider(ProviderConfig provider, ProviderOptions listed)
    {
        _listed[provider.Name] = listed;
        return Find(provider, null);
    }

    public Result ForTarget(ProviderConfig provider, string? apiKeyEnv) => Find(provider, apiKeyEnv);

    private Result Find(ProviderConfig provider, string? apiKeyEnv)
    {
        var listed = _listed[provider.Name];
        IReadOnlyList<string> named = apiKeyEnv is null ? [] : [apiKeyEnv];
        var usual = provider.Type == ProviderNames.Mock ? [] : ProviderDefaults.VariablesOf(provider.Name, provider.BaseUrl);
        var value = First(named, settings.FindVariable)
            ?? listed.ApiKey
            ?? First(usual, settings.FindVariable)
            ?? First([.. named, .. usual], settings.FindInFiles);
        return new Result(value, [.. named.Concat(listed.ApiKeyVariables).Concat(usual).Distinct(StringComparer.Ordinal)]);
    }

    private string? First(IEnumerable<string> names, Func<string, string?> find)
    {
        foreach (var name in names)
        {
            // A key from a file often ends in a line break, which no header can carry.
            if (find(name)?.Trim() is not { Length: > 0 } value)
            {
                continue;
            }

            if (Names.IsSecret(value))
            {
                return value;
            }

            if (_reported.Add(name))
            {
                problems.Add(new ConfigProblem("settings", null, name, "must be printable ASCII without spaces to be sent as a key"));
            }
        }

        return null;
    }

    /// <summary>The key, if there is one, and the names that were looked at.</summary>
    internal readonly record struct Result(string? Value, IReadOnlyList<string> Variables);
}
