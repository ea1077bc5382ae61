using LlmGateway.Model;

namespace LlmGateway.Configuration;

/// <summary>
/// What must hold before the gateway serves anybody: who may call it from where, and what production cannot do without.
/// Reloads are held to the same rules, so that no saved file can open a gateway that would not have started so.
/// </summary>
public sealed class StartRules(HostSettings host, IReadOnlyList<string> listenUrls)
{
    private const string Source = "settings";

    /// <summary>Whether other machines can reach the gateway.</summary>
    public bool IsExposed { get; } = listenUrls
        .SelectMany(urls => urls.Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        .Any(url => !ListenAddress.IsLoopback(url));

    /// <summary>What the rules have against these files; nothing where one could not be parsed: what it would have said is not known.</summary>
    public StartFindings Check(ConfigLoadResult loaded) => loaded.IsParsed ? Check(loaded.Candidate) : new StartFindings([], []);

    public StartFindings Check(GatewayConfig config)
    {
        var problems = new List<ConfigProblem>();
        var warnings = new List<string>();
        CheckCallers(config, problems);
        CheckKeys(config, problems, warnings);
        CheckInternal(config, problems, warnings);
        return new StartFindings(problems, warnings);
    }

    private void CheckCallers(GatewayConfig config, List<ConfigProblem> problems)
    {
        if (host.IsAuthOff || config.ClientKeys.Count > 0)
        {
            return;
        }

        var keys = $"Set {SettingNames.ClientKeys}=name:key, or list keys in {host.KeysFile.DisplayName}, or set {SettingNames.Auth}=none if everybody may call it";
        if (!host.IsDevelopment)
        {
            problems.Add(new ConfigProblem(Source, null, SettingNames.ClientKeys, $"the environment {host.Environment} needs a client key", $"{keys}."));
        }
        else if (IsExposed)
        {
            problems.Add(new ConfigProblem(
                Source, null, SettingNames.ClientKeys, "without client keys the gateway listens at loopback addresses alone", $"{keys}, or listen at http://localhost:8080."));
        }
    }

    private void CheckKeys(GatewayConfig config, List<ConfigProblem> problems, List<string> warnings)
    {
        void Report(ConfigProblem problem)
        {
            if (IsExposed)
            {
                problems.Add(problem);
            }
            else
            {
                warnings.Add(problem.ToString());
            }
        }

        var remedy = $"Use {WeakKeys.LeastLength} random characters or more: openssl rand -hex 32.";
        if (host.AdminKey is { } admin && (WeakKeys.IsWeak(admin) || WeakKeys.IsShort(admin)))
        {
            Report(new ConfigProblem(Source, null, SettingNames.AdminKey, "the key is too easy to guess", remedy));
        }

        warnings.AddRange(host.ClientKeys
            .Where(secret => WeakKeys.IsShort(secret.Key) && !WeakKeys.IsWeak(secret.Key))
            .Select(secret => $"{SettingNames.ClientKeys}: the key of \"{secret.Name}\" is short. {remedy}"));
        foreach (var secret in host.ClientKeys.Where(secret => WeakKeys.IsWeak(secret.Key)))
        {
            Report(new ConfigProblem(Source, null, SettingNames.ClientKeys, $"the key of \"{secret.Name}\" is too easy to guess", remedy));
        }

        foreach (var (hash, key) in config.ClientKeys.Where(key => WeakKeys.IsWeakHash(key.Key) && !host.ClientKeys.Any(secret => secret.Name == key.Value.Name)))
        {
            Report(new ConfigProblem(host.KeysFile.DisplayName, null, "keys", $"the key of \"{key.Name}\" is a well-known one", remedy, ConfigFileKind.Keys));
        }
    }

    private static void CheckInternal(GatewayConfig config, List<ConfigProblem> problems, List<string> warnings)
    {
        var users = config.Agents.Values
            .OrderBy(agent => agent.Name, StringComparer.Ordinal)
            .Prepend(config.Default)
            .Select(agent => (agent.Name, Internal: agent.Fallbacks.Prepend(agent.Target).Where(IsInternal).ToList()))
            .Where(user => user.Internal.Count > 0)
            .ToList();
        Require(SettingNames.InternalBaseUrl, "base URL", target => target.Provider.BaseUrl is null);
        Require(SettingNames.InternalModel, "model", target => target.Model.Length == 0);

        var internalUrl = config.Providers[ProviderNames.Internal].BaseUrl;
        if (!config.IsDevelopment && internalUrl is not null && !IsInternal(config.Default.Target))
        {
            warnings.Add($"{SettingNames.InternalBaseUrl} is set, but calls without an agent go to the provider \"{config.Default.Target.Provider.Name}\", which the configuration files name");
        }

        void Require(string variable, string what, Func<ProviderTarget, bool> lacks)
        {
            var names = users.Where(user => user.Internal.Exists(target => lacks(target))).Select(user => user.Name).ToList();
            if (names.Count > 0)
            {
                problems.Add(new ConfigProblem(
                    Source,
                    null,
                    variable,
                    $"the internal API's {what} is not set; used by: {string.Join(", ", names.Take(5))}{(names.Count > 5 ? ", …" : "")}",
                    $"Set {variable}, or name another provider under default in the agents file."));
            }
        }
    }

    private static bool IsInternal(ProviderTarget target) => target.Provider.Name == ProviderNames.Internal;
}
