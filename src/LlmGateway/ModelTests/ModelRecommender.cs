using System.Globalization;

namespace LlmGateway.ModelTests;

/// <summary>
/// Proposes a role for each model that can carry one: the most capable and fastest first, one of another provider beside it, and
/// something free or local at the end, which is there when budgets and networks are not.
/// </summary>
internal static class ModelRecommender
{
    /// <summary>What a capability is worth; chat and streams are no merit, but a condition.</summary>
    private static readonly (string Probe, int Weight, string Caption)[] Merits =
    [
        (ProbeNames.Tools, 4, "tools"),
        (ProbeNames.JsonSchema, 3, "JSON schema"),
        (ProbeNames.Json, 3, "JSON"),
        (ProbeNames.ParallelTools, 1, "parallel tools"),
        (ProbeNames.Vision, 1, "images"),
        (ProbeNames.Usage, 1, "usage"),
        (ProbeNames.Cancel, 1, "cancel"),
    ];

    public static Recommendation Recommend(IReadOnlyList<ModelResult> models)
    {
        var left = models.Where(model => WhyNot(model) is null)
            .OrderByDescending(Merit)
            .ThenBy(model => model.ErrorCount)
            .ThenBy(Latency)
            .ThenBy(Price)
            .ThenBy(model => model.ToString(), StringComparer.Ordinal)
            .ToList();
        if (left.Count == 0)
        {
            return new Recommendation { NotRecommended = Rejected(models) };
        }

        var primary = Take(left, left[0]);
        var isCheap = left.LastOrDefault(IsFreeOrLocal);
        var fallback = isCheap ?? (left.Count >= 2 ? left.OrderBy(Price).ThenBy(Latency).First() : null);
        left.Remove(fallback!);
        var duplicate = Elsewhere(left, primary.Provider);
        left.Remove(duplicate!);
        var reserve = Elsewhere(left, primary.Provider, duplicate?.Provider);
        left.Remove(reserve!);
        return new Recommendation
        {
            Primary = [Propose(primary, "the most capable of those that answered" + Against(primary, models))],
            Duplicate = List(duplicate, model => model.Provider == primary.Provider ? "next in capability and speed" : "next in capability, and of another provider than the primary"),
            Reserve = List(reserve, model => model.Provider == primary.Provider ? "stands in when both fail" : "stands in when both fail, of another provider than the primary"),
            Fallback = List(fallback, model => model.Free ? "free" : IsLocal(model) ? "local: no bill and no network" : "the cheapest of the rest"),
            NotRecommended = [.. left.Select(model => Propose(model, "usable, and others are more capable or faster")), .. Rejected(models)],
        };
    }

    /// <summary>A model of a provider that has no place yet, else the best that is left.</summary>
    private static ModelResult? Elsewhere(List<ModelResult> left, params string?[] taken) =>
        left.FirstOrDefault(model => !taken.Contains(model.Provider)) ?? left.FirstOrDefault();

    private static ModelResult Take(List<ModelResult> left, ModelResult model)
    {
        left.Remove(model);
        return model;
    }

    private static string? WhyNot(ModelResult model) => model switch
    {
        { Available: false } => "does not answer" + Reason(model, ProbeNames.Available),
        { Type: "mock" } => "a mock: its answers are made up",
        _ when !model.Passed(ProbeNames.Chat) => "no whole answer" + Reason(model, ProbeNames.Chat),
        _ when !model.Passed(ProbeNames.Streaming) => "no proper stream" + Reason(model, ProbeNames.Streaming),
        _ => null,
    };

    private static string Reason(ModelResult model, string probe) => model.Probe(probe).Detail is { } detail ? $": {detail}" : "";

    private static IReadOnlyList<RecommendedModel> Rejected(IReadOnlyList<ModelResult> models) =>
        [.. models.Select(model => (model, Why: WhyNot(model))).Where(rejected => rejected.Why is not null).Select(rejected => new RecommendedModel(rejected.model.Provider, rejected.model.Model, rejected.Why!))];

    private static IReadOnlyList<RecommendedModel> List(ModelResult? model, Func<ModelResult, string> why) => model is null ? [] : [Propose(model, why(model))];

    private static RecommendedModel Propose(ModelResult model, string why)
    {
        string[] facts =
        [
            Listed("has", model, ProbeStatus.Passed),
            Listed("lacks", model, ProbeStatus.Failed),
            model.TimeToFirstToken is { } first ? string.Create(CultureInfo.InvariantCulture, $"first token after {first} ms") : "",
            model.TokensPerSecond is { } speed ? string.Create(CultureInfo.InvariantCulture, $"{speed:0.#} tokens/s") : "",
            model.Free ? "free"
                : model is { InputCostPer1m: { } input, OutputCostPer1m: { } output } ? string.Create(CultureInfo.InvariantCulture, $"${input:0.####} in and ${output:0.####} out for a million tokens")
                : IsLocal(model) ? "local" : "price not configured",
        ];
        return new RecommendedModel(model.Provider, model.Model, $"{why}; {string.Join("; ", facts.Where(fact => fact.Length > 0))}");
    }

    private static string Listed(string verb, ModelResult model, ProbeStatus status)
    {
        var captions = Merits.Where(merit => model.Probe(merit.Probe).Status == status).Select(merit => merit.Caption).ToList();
        return captions.Count == 0 ? "" : $"{verb} {string.Join(", ", captions)}";
    }

    private static string Against(ModelResult primary, IReadOnlyList<ModelResult> models) =>
        models.Any(model => model != primary && WhyNot(model) is null && Merit(model) == Merit(primary)) ? ", and the fastest of its equals" : "";

    private static int Merit(ModelResult model) => Merits.Where(merit => model.Passed(merit.Probe)).Sum(merit => merit.Weight);

    private static long Latency(ModelResult model) => model.TimeToFirstToken ?? model.ResponseTime ?? long.MaxValue;

    private static decimal Price(ModelResult model) => IsFreeOrLocal(model) ? 0 : model.InputCostPer1m + model.OutputCostPer1m ?? decimal.MaxValue;

    private static bool IsFreeOrLocal(ModelResult model) => model.Free || IsLocal(model);

    private static bool IsLocal(ModelResult model) => model.Type == "ollama";
}
