using LlmGateway.Model;

namespace LlmGateway.Routing;

/// <summary>Which targets may serve a request, in order, and which were left out and why.</summary>
/// <param name="Targets">Usable targets, the first choice first.</param>
/// <param name="Skipped">Targets left out.</param>
/// <param name="MaxAttempts">How many attempts there may be in all.</param>
public sealed record RoutePlan(IReadOnlyList<ProviderTarget> Targets, IReadOnlyList<SkippedTarget> Skipped, int MaxAttempts)
{
    /// <summary>Who competes, where two shall; null: the targets answer in turn.</summary>
    public Contest? Contest { get; init; }
}
