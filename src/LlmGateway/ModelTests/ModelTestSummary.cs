namespace LlmGateway.ModelTests;

/// <summary>The run in numbers.</summary>
/// <param name="Models">Models tested.</param>
/// <param name="Available">Models that answered.</param>
/// <param name="ProbesPassed">Probes passed, over all models.</param>
/// <param name="ProbesFailed">Probes that showed that a model cannot do something.</param>
/// <param name="ProbesWithoutResult">Probes that ended in an error or were skipped.</param>
/// <param name="SuccessCount">Calls answered.</param>
/// <param name="ErrorCount">Calls not answered.</param>
internal sealed record ModelTestSummary(int Models, int Available, int ProbesPassed, int ProbesFailed, int ProbesWithoutResult, int SuccessCount, int ErrorCount)
{
    public static ModelTestSummary Of(IReadOnlyList<ModelResult> models)
    {
        var probes = models.SelectMany(model => model.Probes).CountBy(probe => probe.Status).ToDictionary();
        return new ModelTestSummary(
            models.Count,
            models.Count(model => model.Available),
            probes.GetValueOrDefault(ProbeStatus.Passed),
            probes.GetValueOrDefault(ProbeStatus.Failed),
            probes.GetValueOrDefault(ProbeStatus.Error) + probes.GetValueOrDefault(ProbeStatus.Skipped),
            models.Sum(model => model.SuccessCount),
            models.Sum(model => model.ErrorCount));
    }
}
