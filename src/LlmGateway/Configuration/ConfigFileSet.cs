namespace LlmGateway.Configuration;

/// <summary>The three files as they were at one moment.</summary>
internal sealed record ConfigFileSet(ConfigFileContent Agents, ConfigFileContent Settings, ConfigFileContent Keys)
{
    public IReadOnlyList<ConfigFileContent> All => [Agents, Settings, Keys];

    public static ConfigFileSet Read(HostSettings host) => new(
        ConfigFileContent.Read(host.AgentsFile),
        ConfigFileContent.Read(host.SettingsFile),
        ConfigFileContent.Read(host.KeysFile));

    public ConfigFileContent Of(ConfigFileKind kind) => All[(int)kind];

    public ConfigFileSet With(ConfigFileContent content) => content.Location.Kind switch
    {
        ConfigFileKind.Agents => this with { Agents = content },
        ConfigFileKind.Settings => this with { Settings = content },
        _ => this with { Keys = content },
    };

    public bool IsSameAs(ConfigFileSet other) => All.Zip(other.All).All(pair => pair.First.IsSameAs(pair.Second));
}
