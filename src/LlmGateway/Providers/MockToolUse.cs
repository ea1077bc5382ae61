using System.Text.Json;
using System.Text.RegularExpressions;
using LlmGateway.Providers.Wire;

namespace LlmGateway.Providers;

/// <summary>Which tools the mock provider calls: <c>calculator</c> and <c>weather</c>, when they are offered and the last question is plainly one for them. So a tool loop can be tried with no model at hand.</summary>
internal static partial class MockToolUse
{
    /// <summary>The calls that the request deserves; none once their results are there.</summary>
    public static IReadOnlyList<(string Name, string Arguments)> CallsFor(MockRequest request)
    {
        if (request.OfferedTools.Count == 0 || request.ToolResults.Count > 0)
        {
            return [];
        }

        var calls = new List<(string, string)>();
        if (request.OfferedTools.Contains("calculator") && Sum().Match(request.LastUserText) is { Success: true } sum)
        {
            calls.Add(("calculator", Arguments("expression", sum.Groups["sum"].Value)));
        }

        if (request.OfferedTools.Contains("weather") && Place().Match(request.LastUserText) is { Success: true } place)
        {
            calls.Add(("weather", Arguments("location", place.Groups["place"].Value)));
        }

        return calls;
    }

    /// <summary>What is said when the results are there; null where there are none.</summary>
    public static string? Answer(MockRequest request) =>
        request.ToolResults.Count == 0 ? null : string.Join("\n", request.ToolResults.Select(result => $"Mock answer from {result.Tool}: {result.Text}"));

    private static string Arguments(string name, string value) => $$"""{"{{name}}":"{{JsonEncodedText.Encode(value.Trim().TrimEnd('.', ','), OpenAiJson.Writing.Encoder)}}"}""";

    [GeneratedRegex(@"(?:^|what is|what's|how much is|calculate|compute)\s*(?<sum>(?:[(\-]|sqrt|sin|cos|tan|log|ln|abs|pi)*\d(?:[\d\s.()+\-*/^%!×÷]|sqrt|sin|cos|tan|log|ln|abs|pi)*[+\-*/^%!×÷)](?:[\d\s.()+\-*/^%!×÷]|sqrt|sin|cos|tan|log|ln|abs|pi)*)", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant | RegexOptions.NonBacktracking)]
    private static partial Regex Sum();

    [GeneratedRegex(@"weather\s+(?:like\s+)?(?:in|for|at)\s+(?<place>\p{L}[\p{L}\s.,'-]{0,60})", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant | RegexOptions.NonBacktracking)]
    private static partial Regex Place();
}
