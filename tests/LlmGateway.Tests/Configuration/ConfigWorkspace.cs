using LlmGateway.Configuration;
using LlmGateway.Model;
using Microsoft.Extensions.Logging.Abstractions;

namespace LlmGateway.Tests.Configuration;

/// <summary>A working directory of its own with variables of its own.</summary>
internal sealed class ConfigWorkspace : IDisposable
{
    public const string Loopback = "http://localhost:8080";

    public ConfigWorkspace(params (string Name, string Value)[] variables)
    {
        Directory.CreateDirectory(System.IO.Path.Combine(Path, "config"));
        Directory.CreateDirectory(AppPath);
        foreach (var (name, value) in variables)
        {
            Variables[name] = value;
        }
    }

    public string Path { get; } = Directory.CreateTempSubdirectory("gateway-config-").FullName;

    public string AppPath => System.IO.Path.Combine(Path, "app");

    public Dictionary<string, string> Variables { get; } = [];

    public ConfigWorkspace Write(string name, string text)
    {
        File.WriteAllText(PathOf(name), text);
        return this;
    }

    public ConfigWorkspace Agents(string json) => Write("config/agent_llm_config.json", json);

    public ConfigWorkspace Settings(string yaml) => Write("config/llm_settings.yaml", yaml);

    public ConfigWorkspace Keys(string json) => Write("config/gateway_keys.json", json);

    public string PathOf(string name) => System.IO.Path.Combine(Path, name);

    public (HostSettings Host, SettingsSource Settings, IReadOnlyList<ConfigProblem> Problems) ReadSettings() => ConfigStart.ReadSettings(Variables, Path, AppPath);

    public ConfigLoadResult Load()
    {
        var (host, settings, problems) = ReadSettings();
        var loaded = new ConfigLoader(host, settings).Load();
        return loaded with { Problems = [.. problems, .. loaded.Problems] };
    }

    /// <summary>Loads what must be good.</summary>
    public GatewayConfig LoadGood()
    {
        var loaded = Load();
        Assert.Empty(loaded.Problems.Select(problem => problem.ToString()));
        return loaded.Candidate;
    }

    /// <summary>Loads what must be bad; the problems as text.</summary>
    public IReadOnlyList<string> LoadBad()
    {
        var problems = Load().Problems.Select(problem => problem.ToString()).ToList();
        Assert.NotEmpty(problems);
        return problems;
    }

    public ConfigStart Begin(params string[] urls) => ConfigStart.Begin(Variables, Path, AppPath, urls.Length == 0 ? [Loopback] : urls);

    public IReadOnlyList<string> BeginBad(params string[] urls) =>
        [.. Assert.Throws<StartupException>(() => Begin(urls)).Problems.Select(problem => problem.ToString())];

    public (ConfigWatcher Watcher, GatewayConfigSource Source, List<ConfigReload> Reloads) Watch(TimeProvider? time = null)
    {
        var start = Begin();
        var source = new GatewayConfigSource(start.Config);
        var reloads = new List<ConfigReload>();
        source.FileJudged += reloads.Add;
        return (new ConfigWatcher(start, source, time ?? new FakeTime(), NullLogger<ConfigWatcher>.Instance), source, reloads);
    }

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
