using System.Text.RegularExpressions;

namespace LlmGateway.Tests.Architecture;

/// <summary>The gateway's source as text, for rules about how it is written.</summary>
internal static partial class SourceTree
{
    public static string Root { get; } = FindRoot();

    public static IReadOnlyList<SourceFile> Files { get; } =
    [
        .. Directory.EnumerateFiles(Root, "*.cs", SearchOption.AllDirectories)
            .Select(path => Path.GetRelativePath(Root, path))
            .Where(path => !path.StartsWith("bin" + Path.DirectorySeparatorChar, StringComparison.Ordinal) && !path.StartsWith("obj" + Path.DirectorySeparatorChar, StringComparison.Ordinal))
            .Order(StringComparer.Ordinal)
            .Select(path => new SourceFile(path, File.ReadAllText(Path.Combine(Root, path)))),
    ];

    /// <summary>Folders directly under the project that hold source.</summary>
    public static IReadOnlyList<string> Folders { get; } = [.. Files.Select(file => file.TopFolder).Where(folder => folder.Length > 0).Distinct()];

    /// <summary>The text with comments and the insides of strings blanked out, line breaks kept: what is left is code.</summary>
    public static string CodeOnly(string text) =>
        NoCode().Replace(text, match => new string([.. match.Value.Select(character => character == '\n' ? '\n' : ' ')]));

    private static string FindRoot()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "LlmGateway.sln")))
        {
            folder = folder.Parent;
        }

        return Path.Combine(folder?.FullName ?? throw new InvalidOperationException("The tests do not run inside the repository."), "src", "LlmGateway");
    }

    [GeneratedRegex("""("{3,})[\s\S]*?\1|@"([^"]|"")*"|"(\\.|[^"\\\n])*"|'(\\.|[^'\\\n])+'|//[^\n]*|/\*[\s\S]*?\*/""")]
    private static partial Regex NoCode();
}
