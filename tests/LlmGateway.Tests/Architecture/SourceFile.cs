using System.Text.RegularExpressions;

namespace LlmGateway.Tests.Architecture;

/// <summary>One source file of the gateway.</summary>
/// <param name="Path">Relative to the project.</param>
/// <param name="Text">As it stands on disk.</param>
internal sealed record SourceFile(string Path, string Text)
{
    public string Code { get; } = SourceTree.CodeOnly(Text);

    /// <summary>First folder of the path; empty for the root's files.</summary>
    public string TopFolder { get; } = Path.Contains(System.IO.Path.DirectorySeparatorChar, StringComparison.Ordinal) ? Path.Split(System.IO.Path.DirectorySeparatorChar)[0] : "";

    public string Folder { get; } = System.IO.Path.GetDirectoryName(Path)!.Replace(System.IO.Path.DirectorySeparatorChar, '.');

    public int LineCount { get; } = Text.AsSpan().Count('\n');

    public int LineOf(Match match) => 1 + Code.AsSpan(0, match.Index).Count('\n');

    public override string ToString() => Path;
}
