using LlmGateway.Model;

namespace LlmGateway.Configuration;

/// <summary>Everything that starting came to: settings, files, rules and the first snapshot. Made once, or not at all.</summary>
public sealed class ConfigStart
{
    private ConfigStart(ConfigLoader loader, StartRules rules, ConfigFileSet files, GatewayConfig config, IReadOnlyList<string> notices, ContainerKey? containerKey)
    {
        Loader = loader;
        Rules = rules;
        Files = files;
        Config = config;
        Notices = notices;
        ContainerKey = containerKey;
    }

    public HostSettings Host => Loader.Host;

    public ConfigLoader Loader { get; }

    public StartRules Rules { get; }

    /// <summary>The first snapshot.</summary>
    public GatewayConfig Config { get; }

    /// <summary>What is to be logged once: defaults that stand for missing files, warnings. Never a secret.</summary>
    public IReadOnlyList<string> Notices { get; }

    /// <summary>The key that the container made or kept; print it if it is new. Null elsewhere.</summary>
    public ContainerKey? ContainerKey { get; }

    internal ConfigFileSet Files { get; }

    /// <summary>Reads the settings alone, for what must be known before the listening addresses are: the environment, the limits.</summary>
    public static (HostSettings Host, SettingsSource Settings, IReadOnlyList<ConfigProblem> Problems) ReadSettings(
        IReadOnlyDictionary<string, string> variables, string workingDirectory, string applicationDirectory)
    {
        var problems = new List<ConfigProblem>();
        var settings = SettingsSource.Load(variables, workingDirectory, applicationDirectory, problems);
        return (HostSettingsReader.Read(settings, workingDirectory, problems), settings, problems);
    }

    /// <summary>Loads everything and applies the start rules.</summary>
    /// <param name="variables">The process's environment.</param>
    /// <param name="workingDirectory">Where <c>.env</c> and relative paths count from.</param>
    /// <param name="applicationDirectory">Where the appsettings files are.</param>
    /// <param name="listenUrls">The addresses that the gateway will listen at.</param>
    /// <exception cref="StartupException">Something is wrong; it lists everything at once.</exception>
    public static ConfigStart Begin(
        IReadOnlyDictionary<string, string> variables, string workingDirectory, string applicationDirectory, IReadOnlyList<string> listenUrls)
    {
        var (host, settings, found) = ReadSettings(variables, workingDirectory, applicationDirectory);
        var rules = new StartRules(host, listenUrls);
        var loader = new ConfigLoader(host, settings);
        var files = ConfigFileSet.Read(host);
        var loaded = loader.Load(files, revision: 1);

        ContainerKey? key = null;
        if (ContainerKey.IsWanted(host, rules.IsExposed, loaded.Candidate.ClientKeys.Count) && TryObtain(host) is { } obtained)
        {
            key = obtained;
            host = host with { GeneratedKey = obtained.Key };
            rules = new StartRules(host, listenUrls);
            loader = loader.With(host);
            loaded = loader.Load(files, revision: 1);
        }

        var findings = rules.Check(loaded);
        ConfigProblem[] problems = [.. found, .. loaded.Problems, .. findings.Problems];
        return problems.Length == 0
            ? new ConfigStart(loader, rules, files, loaded.Candidate, [.. loaded.Notices, .. findings.Warnings], key)
            : throw new StartupException(problems);
    }

    /// <summary>Where the key cannot be kept, the start rules say what is missing.</summary>
    private static ContainerKey? TryObtain(HostSettings host)
    {
        try
        {
            return ContainerKey.Obtain(host.WorkingDirectory);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
