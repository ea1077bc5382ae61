using System.Collections.Frozen;
using System.Security.Cryptography;
using System.Text;
using LlmGateway.Configuration.Documents;
using LlmGateway.Configuration.Options;
using LlmGateway.Model;

namespace LlmGateway.Configuration;

/// <summary>Reads the three files, validates everything without stopping at the first problem, and builds the snapshot.</summary>
public sealed class ConfigLoader(HostSettings host, SettingsSource settings)
{
    private static readonly UTF8Encoding StrictUtf8 = new(false, throwOnInvalidBytes: true);

    public HostSettings Host { get; } = host;

    /// <summary>The same settings with a key that the container made for itself.</summary>
    public ConfigLoader With(HostSettings changed) => new(changed, settings);

    /// <summary>Reads the files as they are now.</summary>
    public ConfigLoadResult Load(long revision = 1) => Load(ConfigFileSet.Read(Host), revision);

    /// <summary>Reads the object that a client key is made with at run time; null, and problems, where it is wrong.</summary>
    internal ClientKey? ReadMintedKey(ReadOnlySpan<byte> json, byte[] sha256, out IReadOnlyList<ConfigProblem> problems)
    {
        var found = new List<ConfigProblem>();
        problems = found;
        var scope = new DocumentScope("key", null, found);
        var key = JsonConfigParser.Parse(json, scope) is { } root ? KeysFileReader.ReadMinted(root, sha256, scope, new TicketLookup(settings, found, []).Find) : null;
        return found.Count == 0 ? key : null;
    }

    internal ConfigLoadResult Load(ConfigFileSet files, long revision)
    {
        var problems = new List<ConfigProblem>();
        var notices = new List<string>();
        foreach (var file in files.All)
        {
            CheckPresence(file, problems, notices);
        }

        var tickets = new TicketLookup(settings, problems, notices);
        var keys = new KeyLookup(settings, problems);
        var llm = ReadYaml(files.Settings, problems);
        var agents = ReadJson(files.Agents, problems) is { } agentsRoot
            ? AgentsFileReader.Read(agentsRoot, Scope(files.Agents, problems))
            : new AgentsOptions();
        var clientKeys = ReadJson(files.Keys, problems) is { } keysRoot
            ? KeysFileReader.Read(keysRoot, Scope(files.Keys, problems), tickets.Find)
            : [];
        var isParsed = !problems.Exists(static problem => problem.IsOfWholeFile);
        var ownProblems = problems.Count;
        var catalog = new ProviderCatalog(llm, Host, keys, (options, reason, remedy) =>
            Scope(files.Settings, problems).Report(options.Line, options.Path, reason, remedy));
        var targets = new TargetFactory(Host, llm.Timeout, keys, tickets);
        var candidate = Build(agents, llm, catalog, targets, Scope(files.Agents, problems), Scope(files.Settings, problems)) with
        {
            Revision = revision,
            Fingerprint = FingerprintOf(files),
            ClientKeys = IndexKeys(clientKeys, Scope(files.Keys, problems)),
        };
        if (!isParsed)
        {
            // What the others refer to is missing for that reason alone.
            problems.RemoveRange(ownProblems, problems.Count - ownProblems);
        }

        return new ConfigLoadResult(candidate, [.. problems.Distinct()], notices) { IsParsed = isParsed };
    }

    private string FingerprintOf(ConfigFileSet files)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var file in (ConfigFileContent[])[files.Agents, files.Settings])
        {
            hash.AppendData(SHA256.HashData(file.Bytes));
        }

        hash.AppendData(Encoding.UTF8.GetBytes(string.Join('\n', Host.Environment, Host.Llm.InternalBaseUrl, Host.Llm.InternalModel, Host.Llm.OllamaBaseUrl, Host.Llm.OllamaModel, Host.Llm.Temperature)));
        return Convert.ToHexStringLower(hash.GetHashAndReset().AsSpan(0, 16));
    }

    private GatewayConfig Build(AgentsOptions agents, SettingsOptions llm, ProviderCatalog catalog, TargetFactory targets, DocumentScope agentsFile, DocumentScope settingsFile)
    {
        if (llm.DefaultProvider is { } name && catalog.Find(name) is null)
        {
            settingsFile.Report(
                llm.DefaultProviderLine, "llm.default_provider", $"there is no provider \"{name}\"", $"Did you mean \"{NearestName.Of(name, catalog.Names)}\"?");
        }

        var implied = llm.DefaultProvider ?? (Host.IsDevelopment ? ProviderNames.Ollama : ProviderNames.Internal);
        void Report(TargetOptions options, string reason, string? remedy) => agentsFile.Report(options.Line == 0 ? null : options.Line, options.Path, reason, remedy);
        new ReferenceRules(llm, catalog, targets, implied, Report).Check(agents);

        var profiles = new ProfileFactory(Host, agents, implied, catalog, targets, Report);
        var standard = profiles.CreateDefault();
        var usual = (llm.DefaultProvider is { } chosen ? catalog.Find(chosen) : null) ?? standard.Target.Provider;
        ProviderTarget Create(ProviderConfig provider, string model) => targets.Create(provider, model, null, profiles.DefaultOptions);
        var index = ModelIndex.Build(llm, catalog, usual, Create);
        return new GatewayConfig
        {
            Revision = 0,
            Environment = Host.Environment,
            Default = standard,
            Agents = agents.Agents.ToFrozenDictionary(agent => agent.Key, agent => profiles.Create(agent.Key, agent.Value), StringComparer.Ordinal),
            Providers = catalog.Freeze(),
            ListedModels = index.Listed,
            Roles = index.Roles,
            RoleChains = index.Chains,
            MakeTarget = FreezeMaker(catalog, targets, Create),
            ClientKeys = FrozenDictionary<string, ClientKey>.Empty,
            Strategy = llm.Strategy,
            MaxRetries = Host.Llm.MaxRetries is { } set ? Math.Min(set, agents.MaxRetries ?? set) : agents.MaxRetries ?? 3,
            IsMaxRetriesSet = Host.Llm.MaxRetries is not null,
            RetryAttempts = llm.RetryAttempts,
            Circuit = llm.Circuit,
            MaxConcurrencyPerTarget = llm.MaxConcurrencyPerTarget,
            TotalTimeout = Host.Llm.TotalTimeout,
            UserId = Host.Llm.UserId,
            UserType = Host.Llm.UserType,
            SystemName = Host.Llm.SystemName,
            McpServers = llm.McpServers.ToFrozenDictionary(StringComparer.Ordinal),

            // What a model looks up is part of a prompt: in development it leaves the machine only where the file says so.
            Tools = Host.IsDevelopment ? llm.Tools : llm.Tools.WithPublicServices(),
        };
    }

    /// <summary>One template for each provider, so that making a target at request time looks nothing up but the model.</summary>
    private static Func<ProviderConfig, string, ProviderTarget> FreezeMaker(
        ProviderCatalog catalog, TargetFactory targets, Func<ProviderConfig, string, ProviderTarget> create)
    {
        var providers = catalog.Freeze();
        foreach (var provider in providers.Values)
        {
            if (provider.DefaultModel is { } model)
            {
                targets.Learn(provider, model);
            }
        }

        var known = targets.Known.ToFrozenSet();
        var templates = providers.Values.DistinctBy(provider => provider.Name).ToFrozenDictionary(provider => provider.Name, provider => create(provider, ""), StringComparer.OrdinalIgnoreCase);
        return (provider, model) => templates[provider.Name] with
        {
            Model = model,
            ModelConfig = provider.Models.GetValueOrDefault(model),
            IsConfigured = known.Contains((provider.Name, model)),
        };
    }

    private FrozenDictionary<string, ClientKey> IndexKeys(List<ClientKey> fromFile, DocumentScope scope)
    {
        var keys = fromFile.ToDictionary(key => Convert.ToHexStringLower(key.Sha256), StringComparer.Ordinal);
        IEnumerable<ClientSecret> secrets = Host.GeneratedKey is { } generated ? [.. Host.ClientKeys, new ClientSecret("container", generated)] : Host.ClientKeys;
        foreach (var secret in secrets)
        {
            var hash = SHA256.HashData(Encoding.UTF8.GetBytes(secret.Key));
            var key = new ClientKey { Name = secret.Name, Sha256 = hash };
            if (!keys.TryAdd(Convert.ToHexStringLower(hash), key))
            {
                scope.Report(null, "keys", $"the key \"{secret.Name}\" of {SettingNames.ClientKeys} stands here too", "Keep one of the two.");
            }
        }

        return keys.ToFrozenDictionary(StringComparer.Ordinal);
    }

    private static void CheckPresence(ConfigFileContent file, List<ConfigProblem> problems, List<string> notices)
    {
        var scope = Scope(file, problems);
        switch (file)
        {
            case { Failure: { } failure }:
                scope.Report(null, "", failure.Reason, failure.Remedy);
                break;
            case { State: ConfigFileState.Missing, Location.IsNamed: true }:
                scope.Report(null, "", $"does not exist, and {file.Location.Variable} names it", $"Create it, or unset {file.Location.Variable}.");
                break;
            case { State: ConfigFileState.Missing }:
                notices.Add($"{file.Location.DisplayName} does not exist; built-in defaults are used");
                break;
        }
    }

    private static ConfigNode? ReadJson(ConfigFileContent file, List<ConfigProblem> problems) =>
        ReadText(file, problems) is null ? null : JsonConfigParser.Parse(file.Bytes, Scope(file, problems));

    private SettingsOptions ReadYaml(ConfigFileContent file, List<ConfigProblem> problems)
    {
        var scope = Scope(file, problems);
        return ReadText(file, problems) is { } text && YamlConfigParser.Parse(text, new VariableSubstitution(settings.Find), scope) is { } root
            ? SettingsFileReader.Read(root, scope)
            : new SettingsOptions();
    }

    /// <summary>The file's text; an empty file is refused, because it is what a half-done save looks like.</summary>
    private static string? ReadText(ConfigFileContent file, List<ConfigProblem> problems)
    {
        if (file.State != ConfigFileState.Read)
        {
            return null;
        }

        try
        {
            var text = StrictUtf8.GetString(file.Bytes).TrimStart('\uFEFF');
            if (!string.IsNullOrWhiteSpace(text))
            {
                return text;
            }

            Scope(file, problems).Report(null, "", "is empty", "Write {} into a JSON file that says nothing, a comment into YAML.");
        }
        catch (DecoderFallbackException exception)
        {
            var line = file.Bytes.AsSpan(0, Math.Clamp(exception.Index, 0, file.Bytes.Length)).Count((byte)'\n') + 1;
            Scope(file, problems).Report(line, "", "is not valid UTF-8", "Save it as UTF-8.");
        }

        return null;
    }

    private static DocumentScope Scope(ConfigFileContent file, List<ConfigProblem> problems) =>
        new(file.Location.DisplayName, file.Location.Kind, problems);
}
