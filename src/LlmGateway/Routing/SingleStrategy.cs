using LlmGateway.Model;
using LlmGateway.Resilience;

namespace LlmGateway.Routing;

/// <summary>
/// One target after the other, in the plan's order, until one answers: before its first token a failure costs the client nothing but time.
/// Where the profile hedges, a target that is silent gets company.
/// </summary>
internal sealed class SingleStrategy(TargetCaller targets, TimeProvider time) : IRoutingStrategy
{
    private readonly HedgedRun _hedged = new(targets, time);

    public string Name => RoutingStrategies.Single;

    public Task<HttpResponseMessage> RunAsync(GatewayRequest request, RoutePlan plan, CancellationToken cancellationToken) =>
        RunAsync(new RouteWalk(request, plan, time), cancellationToken);

    /// <summary>Goes on from where the walk stands.</summary>
    public Task<HttpResponseMessage> RunAsync(RouteWalk walk, CancellationToken cancellationToken) =>
        walk.Request.Profile.HedgeAfter is { } silence && walk.Plan.Targets.Count > 1
            ? _hedged.RunAsync(walk, silence, cancellationToken)
            : InTurnAsync(walk, cancellationToken);

    private async Task<HttpResponseMessage> InTurnAsync(RouteWalk walk, CancellationToken cancellationToken)
    {
        var tally = walk.Request.Tally;
        while (walk.Next() is { } target)
        {
            var waitedFrom = time.GetTimestamp();
            var result = await targets.RunAsync(walk.Request, target, AttemptRole.Answer, walk.Turn(), cancellationToken);
            tally.ProviderWait += time.GetElapsedTime(waitedFrom);
            if (result.Response is { } response)
            {
                tally.Answer = result.Attempt;
                return response;
            }

            walk.Note(target, result.Failure!);
        }

        return walk.Fail();
    }
}
