using System.Collections.Frozen;
using System.Text;

namespace LlmGateway.Configuration;

/// <summary>
/// Looks a setting up by name: environment variables, then <c>.env</c> in the working directory, then
/// <c>appsettings.{ENVIRONMENT}.json</c>, then <c>appsettings.json</c>. Read once at start; an empty value counts as unset.
/// </summary>
public sealed class SettingsSource
{
    private readonly IReadOnlyDictionary<string, string> _variables;
    private readonly IReadOnlyList<IReadOnlyDictionary<string, string>> _files;

    private SettingsSource(IReadOnlyDictionary<string, string> variables, string environment, params IReadOnlyList<IReadOnlyDictionary<string, string>> files)
    {
        _variables = variables;
        _files = files;
        Environment = environment;
    }

    /// <summary>Value of <c>ENVIRONMENT</c>; <c>development</c> where nobody sets it.</summary>
    public string Environment { get; }

    /// <summary>Reads the files behind the variables; what is wrong with them goes to <paramref name="problems"/>.</summary>
    /// <param name="variables">The process's environment.</param>
    /// <param name="workingDirectory">Where <c>.env</c> is looked for.</param>
    /// <param name="applicationDirectory">Where the appsettings files are: beside the executable.</param>
    /// <param name="problems">Takes what is wrong.</param>
    public static SettingsSource Load(
        IReadOnlyDictionary<string, string> variables,
        string workingDirectory,
        string applicationDirectory,
        ICollection<ConfigProblem> problems)
    {
        var dotEnv = ReadDotEnv(Path.Combine(workingDirectory, ".env"), problems);
        var shared = AppSettingsFile.Read(applicationDirectory, "appsettings.json", problems);
        var environment = First(SettingNames.Environment, variables, dotEnv, shared) ?? "development";

        // The name becomes part of a file's name.
        if (!Names.IsPlain(environment))
        {
            problems.Add(new ConfigProblem(
                "settings", null, SettingNames.Environment, "is not a name", $"Use {Names.PlainCaption}, such as development or production."));
            return new SettingsSource(variables, "development", dotEnv, shared);
        }

        var own = AppSettingsFile.Read(applicationDirectory, $"appsettings.{environment}.json", problems);
        return new SettingsSource(variables, environment, dotEnv, own, shared);
    }

    /// <summary>The setting's value from the first source that has one.</summary>
    public string? Find(string name) => FindVariable(name) ?? FindInFiles(name);

    /// <summary>The value of the environment variable alone.</summary>
    public string? FindVariable(string name) => First(name, _variables);

    /// <summary>The value from <c>.env</c> or appsettings alone.</summary>
    public string? FindInFiles(string name)
    {
        foreach (var file in _files)
        {
            if (First(name, file) is { } value)
            {
                return value;
            }
        }

        return null;
    }

    private static string? First(string name, params ReadOnlySpan<IReadOnlyDictionary<string, string>> sources)
    {
        foreach (var source in sources)
        {
            if (source.TryGetValue(name, out var value) && value.Length > 0)
            {
                return value;
            }
        }

        return null;
    }

    private static IReadOnlyDictionary<string, string> ReadDotEnv(string path, ICollection<ConfigProblem> problems)
    {
        if (!File.Exists(path))
        {
            return FrozenDictionary<string, string>.Empty;
        }

        try
        {
            return DotEnvFile.Parse(File.ReadAllText(path, new UTF8Encoding(false, throwOnInvalidBytes: true)), ".env", problems);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or DecoderFallbackException)
        {
            problems.Add(new ConfigProblem(".env", null, "", "cannot be read as UTF-8 text", "Check its encoding and permissions."));
            return FrozenDictionary<string, string>.Empty;
        }
    }
}
