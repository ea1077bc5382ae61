using System.Globalization;
using System.Text.RegularExpressions;

namespace LlmGateway.FunctionalTests.Infrastructure;

/// <summary>What <c>/metrics</c> said at one moment, read strictly as Prometheus text.</summary>
internal sealed partial class MetricsPage
{
    private readonly List<Sample> _samples = [];

    private MetricsPage(string text) => Text = text;

    public string Text { get; }

    public IEnumerable<string> Names => _samples.Select(sample => sample.Name).Distinct();

    public static MetricsPage Parse(string text)
    {
        var page = new MetricsPage(text);
        foreach (var line in text.Split('\n', StringSplitOptions.RemoveEmptyEntries).Where(line => !line.StartsWith('#')))
        {
            var match = Line().Match(line);
            if (!match.Success)
            {
                throw new InvalidDataException($"Not a line of Prometheus text: {line}");
            }

            var labels = Label().Matches(match.Groups["labels"].Value)
                .ToDictionary(label => label.Groups["name"].Value, label => Unescape(label.Groups["value"].Value), StringComparer.Ordinal);
            page._samples.Add(new Sample(match.Groups["name"].Value, labels, Number(match.Groups["value"].Value)));
        }

        return page;
    }

    /// <summary>Reads the page until the condition holds, and answers it as it was then.</summary>
    public static async Task<MetricsPage> WaitForAsync(Func<Task<MetricsPage>> read, Func<MetricsPage, bool> condition, string what)
    {
        MetricsPage? page = null;
        try
        {
            await Eventually.AnswersAsync<bool>(
                async () =>
                {
                    page = await read();
                    return condition(page) ? true : null;
                },
                what);
        }
        catch (TimeoutException timeout)
        {
            var own = page!.Text.Split('\n').Where(line => line.StartsWith("llm_gateway_", StringComparison.Ordinal) && !line.Contains("_bucket{", StringComparison.Ordinal));
            throw new TimeoutException($"{timeout.Message} There was:\n{string.Join('\n', own)}", timeout);
        }

        return page!;
    }

    /// <summary>Sum of all series of that name that carry these labels; zero when there is none.</summary>
    public double Sum(string name, params (string Name, string Value)[] labels) =>
        _samples.Where(sample => sample.Name == name && sample.Has(labels)).Sum(sample => sample.Value);

    /// <summary>The one series of that name and these labels; null when there is none.</summary>
    public double? Value(string name, params (string Name, string Value)[] labels) =>
        _samples.Where(sample => sample.Name == name && sample.Has(labels)).Select(sample => (double?)sample.Value).SingleOrDefault();

    /// <summary>The label sets of all series of that name.</summary>
    public IReadOnlyList<IReadOnlyDictionary<string, string>> Series(string name) =>
        [.. _samples.Where(sample => sample.Name == name).Select(sample => sample.Labels)];

    private static double Number(string text) => text switch
    {
        "+Inf" => double.PositiveInfinity,
        "-Inf" => double.NegativeInfinity,
        _ => double.Parse(text, CultureInfo.InvariantCulture),
    };

    private static string Unescape(string value) =>
        value.Replace("\\n", "\n", StringComparison.Ordinal).Replace("\\\"", "\"", StringComparison.Ordinal).Replace("\\\\", "\\", StringComparison.Ordinal);

    [GeneratedRegex("""^(?<name>[a-zA-Z_:][a-zA-Z0-9_:]*)(\{(?<labels>([a-zA-Z_][a-zA-Z0-9_]*="([^"\\]|\\.)*",?)*)\})? (?<value>\S+)( \d+)?$""")]
    private static partial Regex Line();

    [GeneratedRegex("""(?<name>[a-zA-Z_][a-zA-Z0-9_]*)="(?<value>([^"\\]|\\.)*)",?""")]
    private static partial Regex Label();

    private sealed record Sample(string Name, IReadOnlyDictionary<string, string> Labels, double Value)
    {
        public bool Has((string Name, string Value)[] labels) =>
            labels.All(label => Labels.TryGetValue(label.Name, out var value) && value == label.Value);
    }
}
