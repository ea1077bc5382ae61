using System.Globalization;
using System.IO.Enumeration;
using System.Text.RegularExpressions;
using LlmGateway.Tests.Architecture;

namespace LlmGateway.Tests.Providers;

/// <summary>The table in tests/Fixtures/README.md names every translation vector, and nothing that is not there.</summary>
public sealed partial class VectorTableTests
{
    private const int Vectors = 110;

    private static readonly List<string[]> Rows =
    [
        .. File.ReadLines(Path.Combine(GoldenCase.Root, "README.md"))
            .SkipWhile(line => !line.StartsWith("| vector | folder |", StringComparison.Ordinal))
            .Skip(2)
            .TakeWhile(line => line.StartsWith('|'))
            .Select(line => line.Trim('|').Split(" | ")),
    ];

    [Fact]
    public void Every_vector_stands_in_the_table_once() => Assert.Equal(
        Enumerable.Range(1, Vectors),
        Rows.SelectMany(row => Number().Matches(row[0]).Select(match => int.Parse(match.Groups["number"].Value, CultureInfo.InvariantCulture))).Order());

    [Fact]
    public void What_holds_a_vector_is_there()
    {
        var cases = GoldenCase.All().ToLookup(golden => golden.Dialect, golden => golden.Name);
        var tests = Directory.EnumerateFiles(Path.Combine(GoldenCase.Root, ".."), "*Tests.cs", SearchOption.AllDirectories)
            .ToLookup(path => Path.GetFileNameWithoutExtension(path)!, File.ReadAllText);

        Findings.AssertNone(
            from row in Rows
            from name in Quoted().Matches(row[2]).Select(match => match.Groups["name"].Value).DefaultIfEmpty("nothing")
            where !(name.Split('.') is [var type, var method]
                ? tests[type].Any(text => text.Contains($" {method}(", StringComparison.Ordinal))
                : (row[1] == "all" ? cases.SelectMany(names => names) : cases[row[1]]).Any(golden => FileSystemName.MatchesSimpleExpression(name, golden)))
            select $"{row[0]}: {name}");
    }

    [GeneratedRegex("(^|, |; ) ?(?<number>[0-9]+)(?=[ ,])")]
    private static partial Regex Number();

    [GeneratedRegex("`(?<name>[^`]+)`")]
    private static partial Regex Quoted();
}
