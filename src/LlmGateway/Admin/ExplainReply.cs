using System.Text.Json.Serialization;
using LlmGateway.Model;
using LlmGateway.Routing;

namespace LlmGateway.Admin;

/// <summary>A route as the plan has it, arranged by its strategy, with times in milliseconds. Candidates and evaluator are those of <c>best_of_two</c>.</summary>
internal sealed record ExplainReply(
    string Agent,
    string? Role,
    string Strategy,
    bool Stream,
    bool Tools,
    string? Key,
    int MaxAttempts,
    long TotalTimeoutMs,
    long? HedgeAfterMs,
    IReadOnlyList<ExplainReply.PlannedTarget>? Candidates,
    ExplainReply.PlannedTarget? Evaluator,
    IReadOnlyList<ExplainReply.PlannedTarget> Targets,
    IReadOnlyList<ExplainReply.LeftOut> Skipped)
{
    public static ExplainReply From(GatewayRequest request, RoutePlan plan, string? key) => new(
        request.Profile.Name,
        request.ExplicitRole ?? request.Profile.Role,
        request.Strategy,
        request.Scan.IsStreaming,
        request.Scan.HasTools,
        key,
        plan.MaxAttempts,
        Milliseconds(request.TotalTimeout),
        request.Profile.HedgeAfter is { } silence ? Milliseconds(silence) : null,
        plan.Contest is { } contest ? [Planned(request, contest.First), Planned(request, contest.Second)] : null,
        plan.Contest?.Evaluator is { } evaluator ? PlannedTarget.From(evaluator, isStreaming: false) : null,
        [.. plan.Targets.Select(target => Planned(request, target))],
        [.. plan.Skipped.Select(LeftOut.From)]);

    private static PlannedTarget Planned(GatewayRequest request, ProviderTarget target) => PlannedTarget.From(target, request.Scan.IsStreaming);

    private static long Milliseconds(TimeSpan time) => (long)time.TotalMilliseconds;

    /// <param name="Provider">The provider's name.</param>
    /// <param name="Type">The dialect that it speaks.</param>
    /// <param name="Model">The model as the provider knows it.</param>
    /// <param name="TimeoutMs">Limit of one attempt; streaming, between two tokens.</param>
    /// <param name="FirstTokenTimeoutMs">Limit to the first token (not streaming: to the whole answer).</param>
    /// <param name="OnlyAfter">Reasons after which alone it is tried; null: after any.</param>
    internal sealed record PlannedTarget(string Provider, string Type, string Model, long TimeoutMs, long FirstTokenTimeoutMs, IReadOnlyList<string>? OnlyAfter)
    {
        public static PlannedTarget From(ProviderTarget target, bool isStreaming)
        {
            var first = target.FirstTokenTimeout is { } limit && (isStreaming || limit > target.Timeout) ? limit : target.Timeout;
            return new PlannedTarget(
                target.Provider.Name,
                target.Provider.Type,
                target.Model,
                Milliseconds(target.Timeout),
                Milliseconds(first),
                target.OnlyAfter is null ? null : [.. target.OnlyAfter.Select(reason => reason.ToName()).Order(StringComparer.Ordinal)]);
        }
    }

    internal sealed record LeftOut(string Provider, string Type, string Model, string Reason, string Explanation)
    {
        public static LeftOut From(SkippedTarget skipped) => new(
            skipped.Target.Provider.Name, skipped.Target.Provider.Type, skipped.Target.Model, skipped.Reason.ToName(), skipped.Explanation);
    }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(ExplainReply))]
internal sealed partial class ExplainJson : JsonSerializerContext;
