using System.Collections.Frozen;
using LlmGateway.Configuration.Documents;

namespace LlmGateway.Configuration;

/// <summary>Reads the gateway's settings from an appsettings file: flat names at the top; sections, such as Logging, are others' business.</summary>
internal static class AppSettingsFile
{
    public static IReadOnlyDictionary<string, string> Read(string directory, string name, ICollection<ConfigProblem> problems)
    {
        if (FindPath(directory, name) is not { } path)
        {
            return FrozenDictionary<string, string>.Empty;
        }

        var scope = new DocumentScope(Path.GetFileName(path), null, problems);
        if (ConfigFileContent.TryReadBytes(path, out var bytes, out var failure) != ConfigFileState.Read)
        {
            problems.Add(new ConfigProblem(scope.Source, null, "", failure?.Reason ?? "disappeared while it was read", failure?.Remedy));
            return FrozenDictionary<string, string>.Empty;
        }

        var values = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        if (JsonConfigParser.Parse(bytes, scope) is { } root)
        {
            foreach (var (member, node) in root.Members)
            {
                if (node.Kind is ConfigNodeKind.Text or ConfigNodeKind.Number or ConfigNodeKind.Flag)
                {
                    values[member] = node.Text;
                }
            }
        }

        return values;
    }

    /// <summary>The file whose name matches without case; the exact one first.</summary>
    private static string? FindPath(string directory, string name)
    {
        var exact = Path.Combine(directory, name);
        if (File.Exists(exact) || !Directory.Exists(directory))
        {
            return File.Exists(exact) ? exact : null;
        }

        return Directory.EnumerateFiles(directory)
            .Where(path => string.Equals(Path.GetFileName(path), name, StringComparison.OrdinalIgnoreCase))
            .Order(StringComparer.Ordinal)
            .FirstOrDefault();
    }
}
