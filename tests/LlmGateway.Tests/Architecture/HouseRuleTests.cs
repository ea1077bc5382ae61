using System.Text.RegularExpressions;

namespace LlmGateway.Tests.Architecture;

/// <summary>How the source is written: what every reader may count on without looking.</summary>
public sealed partial class HouseRuleTests
{
    private const int LongFile = 400;

    [Fact]
    public void Nothing_blocks_hides_or_reads_the_wall_clock()
    {
        var finds =
            from file in SourceTree.Files
            from Match match in Forbidden().Matches(file.Code)
            select $"{file}:{file.LineOf(match)}: {match.Value.Trim()}";

        Findings.AssertNone(finds);
    }

    [Fact]
    public void Long_files_say_why_at_the_top()
    {
        var silent = SourceTree.Files
            .Where(file => file.LineCount > LongFile && !file.Text.TrimStart('\uFEFF').StartsWith("//", StringComparison.Ordinal))
            .Select(file => $"{file}: {file.LineCount} lines, and its first line is no comment that says why");

        Findings.AssertNone(silent);
    }

    [Fact]
    public void Files_are_small_as_a_rule()
    {
        var lengths = SourceTree.Files.Select(file => file.LineCount).Order().ToList();

        Assert.InRange(lengths[lengths.Count / 2], 1, 100);
        Assert.InRange(lengths.Count(length => length > 200), 0, lengths.Count / 8);
    }

    [Fact]
    public void The_map_lists_the_folders()
    {
        var map = File.ReadAllText(Path.Combine(SourceTree.Root, "README.md"));

        var listed = MapRow().Matches(map).Select(row => row.Groups["folder"].Value).Distinct().Order(StringComparer.Ordinal);

        Assert.Equal(SourceTree.Folders.Order(StringComparer.Ordinal), listed);
    }

    [Fact]
    public void One_public_type_per_file()
    {
        var crowded = SourceTree.Files
            .Select(file => (file, Names: PublicType().Matches(file.Code).Select(match => match.Groups["name"].Value).Distinct().ToList()))
            .Where(found => found.Names.Count > 1)
            .Select(found => $"{found.file}: {string.Join(", ", found.Names)}");

        Findings.AssertNone(crowded);
    }

    [Fact]
    public void A_file_is_named_after_its_type()
    {
        var misnamed = SourceTree.Files
            .Where(file => file.Path != "Program.cs" && TopType().Matches(file.Code) is { Count: > 0 } types
                && types.All(type => type.Groups["name"].Value != Path.GetFileNameWithoutExtension(file.Path).Split('.')[0]))
            .Select(file => file.Path);

        Findings.AssertNone(misnamed);
    }

    [Fact]
    public void Namespaces_are_folders()
    {
        var strays = SourceTree.Files
            .Where(file => file.Path != "Program.cs" && Namespace().Match(file.Code).Groups["name"].Value != ("LlmGateway." + file.Folder).TrimEnd('.'))
            .Select(file => file.Path);

        Findings.AssertNone(strays);
    }

    [Fact]
    public void Public_types_say_their_job()
    {
        var silent =
            from file in SourceTree.Files
            from Match match in PublicType().Matches(file.Code)
            where !HasSummary(file, match.Index)
            select $"{file}: {match.Groups["name"].Value}";

        Findings.AssertNone(silent);
    }

    [Fact]
    public void Comments_and_strings_are_not_taken_for_code()
    {
        var code = SourceTree.CodeOnly("a(); // x.Result\nvar s = \"y.Wait() \\\" \"; /* z.Wait()\n */ var r = \"\"\" q.Result \" \"\"\"; var c = '\"'; b();");

        Assert.DoesNotContain("Result", code, StringComparison.Ordinal);
        Assert.DoesNotContain("Wait", code, StringComparison.Ordinal);
        Assert.Contains("b();", code, StringComparison.Ordinal);
        Assert.Equal(2, code.AsSpan().Count('\n'));
    }

    /// <summary>Whether a documentation comment ends right above the declaration, attributes aside.</summary>
    private static bool HasSummary(SourceFile file, int index)
    {
        var above = file.Text[..index].TrimEnd().Split('\n').Reverse().Select(line => line.Trim()).SkipWhile(line => line.StartsWith('['));
        return above.FirstOrDefault() is { } line && line.StartsWith("///", StringComparison.Ordinal);
    }

    [GeneratedRegex(@"\.Result\b(?!\s*[=(])|\.Wait\(\)|\.GetAwaiter\(\)\.GetResult\(\)|\basync\s+void\b|\bTask\.Run\b|\bDateTime(Offset)?\.(Utc)?Now\b|\bThread\.Sleep\b|#region\b|\bTask\.Delay\((?![^;]*([tT]ime(Provider)?|[cC]lock)\b)")]
    private static partial Regex Forbidden();

    [GeneratedRegex(@"^[|\s`*-]*`?(?<folder>[A-Z]\w*)/`?", RegexOptions.Multiline)]
    private static partial Regex MapRow();

    [GeneratedRegex(@"^public\s+(?:(?:sealed|static|abstract|partial|readonly|ref|unsafe)\s+)*(?:class|record\s+struct|record|struct|interface|enum|delegate\s+\S+)\s+(?<name>\w+)", RegexOptions.Multiline)]
    private static partial Regex PublicType();

    [GeneratedRegex(@"^(?:(?:public|internal|file|sealed|static|abstract|partial|readonly|ref|unsafe)\s+)*(?:class|record\s+struct|record|struct|interface|enum|delegate\s+\S+)\s+(?<name>\w+)", RegexOptions.Multiline)]
    private static partial Regex TopType();

    [GeneratedRegex(@"^namespace\s+(?<name>[\w.]+)\s*;", RegexOptions.Multiline)]
    private static partial Regex Namespace();
}
