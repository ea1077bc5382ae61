using System.Text;

namespace LlmGateway.ModelTests;

/// <summary>Writes a report for people.</summary>
internal static class MarkdownReport
{
    private const string Unknown = "–";

    public static string Write(ModelTestReport report)
    {
        var text = new StringBuilder();
        var summary = report.Summary;
        Line(text, "# Model test report");
        Line(text);
        Line(text, $"{report.StartedAt:yyyy-MM-dd HH:mm:ss} UTC, environment `{report.Environment}`, {Seconds(report.Duration)}. "
            + $"{summary.Available} of {summary.Models} models answered; {summary.ProbesPassed} probes passed, {summary.ProbesFailed} failed, {summary.ProbesWithoutResult} without result; "
            + $"{summary.SuccessCount} calls answered, {summary.ErrorCount} not.");
        WriteModels(text, report.Models);
        WriteProbes(text, report.Models);
        WriteDetails(text, report.Models);
        WriteRecommendation(text, report.Recommendation);
        WriteCapabilities(text, report.Capabilities);
        return text.ToString();
    }

    private static void WriteModels(StringBuilder text, IReadOnlyList<ModelResult> models)
    {
        Heading(text, "Status");
        Line(text, "| model | status | response time | first token | tokens/s | calls answered | price in / out per 1M | used by |");
        Line(text, "|---|---|---|---|---|---|---|---|");
        foreach (var model in models)
        {
            var calls = model.SuccessCount + model.ErrorCount;
            Line(text, $"| {Name(model)} | {(model.Available ? "available" : "**not available**")} | {Milliseconds(model.ResponseTime)} | {Milliseconds(model.TimeToFirstToken)} | "
                + $"{(model.TokensPerSecond is { } speed ? Invariant($"{speed:0.#}") : Unknown)} | {(calls == 0 ? Unknown : Invariant($"{model.SuccessCount}/{calls} ({model.SuccessRate:P0})"))} | {Price(model)} | {UsedBy(model)} |");
        }
    }

    private static void WriteProbes(StringBuilder text, IReadOnlyList<ModelResult> models)
    {
        Heading(text, "Capabilities");
        Line(text, $"| model | {string.Join(" | ", ProbeNames.All.Select(name => name.Replace('_', ' ')))} |");
        Line(text, $"|---|{string.Concat(ProbeNames.All.Select(_ => "---|"))}");
        foreach (var model in models)
        {
            Line(text, $"| {Name(model)} | {string.Join(" | ", ProbeNames.All.Select(name => Sign(model.Probe(name).Status)))} |");
        }

        Line(text);
        Line(text, "yes: it can; no: it cannot; error: the call went wrong, so nothing is known; –: not asked.");
    }

    private static void WriteDetails(StringBuilder text, IReadOnlyList<ModelResult> models)
    {
        var told = models
            .SelectMany(model => model.Probes.Where(probe => probe.Detail is not null && probe.Status != ProbeStatus.Skipped).Select(probe => (model, probe)))
            .ToList();
        if (told.Count == 0)
        {
            return;
        }

        Heading(text, "What went wrong");
        foreach (var (model, probe) in told)
        {
            Line(text, $"- {Name(model)}, {probe.Name.Replace('_', ' ')}: {Cell(probe.Detail!)}");
        }
    }

    private static void WriteRecommendation(StringBuilder text, Recommendation recommendation)
    {
        Heading(text, "Recommendation");
        (string Role, IReadOnlyList<RecommendedModel> Models)[] roles =
        [
            ("primary", recommendation.Primary), ("duplicate", recommendation.Duplicate), ("reserve", recommendation.Reserve), ("fallback", recommendation.Fallback),
        ];
        foreach (var (role, models) in roles)
        {
            if (models.Count == 0)
            {
                Line(text, $"- **{role}**: no model is left for it");
            }

            foreach (var model in models)
            {
                Line(text, $"- **{role}**: {Name(model)}: {Cell(model.Why)}");
            }
        }

        if (recommendation.NotRecommended.Count > 0)
        {
            Line(text);
            Line(text, "Not recommended:");
            Line(text);
            foreach (var model in recommendation.NotRecommended)
            {
                Line(text, $"- {Name(model)}: {Cell(model.Why)}");
            }
        }
    }

    private static void WriteCapabilities(StringBuilder text, CapabilityOutcome? outcome)
    {
        if (outcome is null)
        {
            return;
        }

        Heading(text, "Capability flags");
        Line(text, outcome switch
        {
            { Problem: { } problem } => $"`{outcome.File}` was left as it is: {Cell(problem)}",
            { IsWritten: true } => $"Written to `{outcome.File}`:",
            _ => $"`{outcome.File}` says all of it already.",
        });
        if (outcome.Changes.Count > 0)
        {
            Line(text);
        }

        foreach (var change in outcome.Changes)
        {
            Line(text, $"- {Cell(change)}");
        }
    }

    private static string Sign(ProbeStatus status) => status switch
    {
        ProbeStatus.Passed => "yes",
        ProbeStatus.Failed => "no",
        ProbeStatus.Error => "error",
        _ => Unknown,
    };

    private static string Price(ModelResult model) => model switch
    {
        { Free: true } => "free",
        { InputCostPer1m: { } input, OutputCostPer1m: { } output } => Invariant($"${input:0.####} / ${output:0.####}"),
        _ => Unknown,
    };

    private static string UsedBy(ModelResult model)
    {
        var uses = model.Roles.Select(role => $"role {role}").Concat(model.Agents.Select(agent => agent == Model.AgentProfile.DefaultName ? "default" : $"agent {agent}")).ToList();
        return uses.Count == 0 ? Unknown : string.Join(", ", uses);
    }

    private static string Name(ModelResult model) => $"`{Cell(model.ToString())}`";

    private static string Name(RecommendedModel model) => $"`{Cell(model.Provider + "/" + model.Model)}`";

    /// <summary>One line, and no sign that ends a table's cell.</summary>
    private static string Cell(string value) =>
        string.Concat(value.Select(character => char.IsControl(character) ? ' ' : character)).Replace("|", "\\|", StringComparison.Ordinal);

    private static string Milliseconds(long? value) => value is { } time ? Invariant($"{time} ms") : Unknown;

    private static string Seconds(long milliseconds) => Invariant($"{milliseconds / 1000.0:0.#} s");

    private static void Heading(StringBuilder text, string title)
    {
        Line(text);
        Line(text, $"## {title}");
        Line(text);
    }

    private static void Line(StringBuilder text, string line = "") => text.Append(line).Append('\n');

    private static string Invariant(FormattableString text) => FormattableString.Invariant(text);
}
