using System.Globalization;
using System.Text.RegularExpressions;

namespace LlmGateway.Providers;

/// <summary>What a Gemini model's name tells of its abilities: its generation, and whether it is a small one.</summary>
/// <param name="Generation">2.5 is 25, 3 is 30; 0 where the name tells none.</param>
/// <param name="IsPro">Whether thinking cannot be switched off (the large models).</param>
internal readonly partial record struct GeminiModel(int Generation, bool IsPro)
{
    /// <summary>Real JSON Schema, not only the OpenAPI subset.</summary>
    public bool TakesJsonSchema => Generation >= 25;

    /// <summary>Thinking is set by a number of tokens.</summary>
    public bool HasThinkingBudget => Generation is >= 25 and < 30;

    /// <summary>Thinking is set by a level; a function call without its signature is refused.</summary>
    public bool HasThinkingLevel => Generation >= 30;

    public static GeminiModel Of(string name)
    {
        var isPro = name.Contains("-pro", StringComparison.OrdinalIgnoreCase);
        if (Version().Match(name) is { Success: true } version)
        {
            var major = int.Parse(version.Groups["major"].ValueSpan, CultureInfo.InvariantCulture);
            var minor = version.Groups["minor"].Success ? int.Parse(version.Groups["minor"].ValueSpan, CultureInfo.InvariantCulture) : 0;
            return new GeminiModel((major * 10) + minor, isPro);
        }

        // "gemini-flash-latest" and the like always mean the newest generation.
        return new GeminiModel(LatestName().IsMatch(name) ? 30 : 0, isPro);
    }

    // "gemini-2.0-flash-001" is 2.0; a date behind the family is no version.
    [GeneratedRegex(@"gemini-(?<major>[0-9]{1,2})(\.(?<minor>[0-9]))?(?![0-9])", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex Version();

    [GeneratedRegex("gemini-[a-z-]*latest", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex LatestName();
}
