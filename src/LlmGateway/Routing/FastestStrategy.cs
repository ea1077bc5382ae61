using LlmGateway.Model;

namespace LlmGateway.Routing;

/// <summary>
/// The fastest target first: by time to the first token for streams, by duration for whole answers. Targets that have not been measured
/// often enough go before all, and now and then one that is slower gets a chance to show that it no longer is. The rest of the route follows.
/// </summary>
internal sealed class FastestStrategy(TargetPaces paces, SingleStrategy single, Random random) : IRoutingStrategy
{
    /// <summary>Share of requests that go first to the target whose measurement is the oldest.</summary>
    private const double Exploration = 0.05;

    public string Name => RoutingStrategies.Fastest;

    /// <summary>The measured ones by their average, then those that are not measured yet, then the rest of the route.</summary>
    public RoutePlan Arrange(GatewayRequest request, RoutePlan plan)
    {
        var field = FieldOf(request, plan);
        if (field.Count < 2)
        {
            return plan;
        }

        var isStreaming = request.Scan.IsStreaming;
        var order = field.OrderBy(target => paces.Of(target, isStreaming).Average ?? TimeSpan.MaxValue).ToList();
        return plan with { Targets = [.. order, .. plan.Targets.Where(target => !field.Contains(target))] };
    }

    public async Task<HttpResponseMessage> RunAsync(GatewayRequest request, RoutePlan plan, CancellationToken cancellationToken)
    {
        var measured = ChooseToMeasure(request, plan);
        var pace = measured is null ? null : paces.Of(measured, request.Scan.IsStreaming);
        var known = request.Tally.LastAttempt;
        pace?.BeginMeasurement();
        try
        {
            return await single.RunAsync(request, measured is null ? plan : First(measured, plan), cancellationToken);
        }
        finally
        {
            pace?.EndMeasurement();
            if (!cancellationToken.IsCancellationRequested)
            {
                paces.Learn(request, known);
            }
        }
    }

    /// <summary>The target that goes first in order to be measured; null: the order stands.</summary>
    private ProviderTarget? ChooseToMeasure(GatewayRequest request, RoutePlan plan)
    {
        var field = FieldOf(request, plan);
        if (field.Count < 2)
        {
            return null;
        }

        var isStreaming = request.Scan.IsStreaming;
        return field.FirstOrDefault(target => paces.Of(target, isStreaming).WantsMeasurement)
            ?? (random.NextDouble() < Exploration ? field.MinBy(target => paces.Of(target, isStreaming).MeasuredAt) : null);
    }

    /// <summary>The targets that compete: of the starting role, or the profile's own and its fallbacks. A model that the request names competes with nobody.</summary>
    private static List<ProviderTarget> FieldOf(GatewayRequest request, RoutePlan plan)
    {
        if (request.ExplicitTarget is not null)
        {
            return [];
        }

        var role = request.ExplicitRole ?? (request.Config.IsDevelopment ? null : request.Profile.Role);
        var members = role is null ? null : request.Config.Roles.GetValueOrDefault(role);
        return [.. plan.Targets.Where(target => target.OnlyAfter is null && (members is null ? role is null : members.Contains(target)))];
    }

    private static RoutePlan First(ProviderTarget first, RoutePlan plan) => plan with { Targets = [first, .. plan.Targets.Where(target => target != first)] };
}
