using LlmGateway.Model;
using LlmGateway.Resilience;

namespace LlmGateway.Routing;

/// <summary>One target after the other, in the plan's order, until one answers: before its first token a failure costs the client nothing but time.</summary>
internal sealed class SingleStrategy(TargetCaller targets, TimeProvider time) : IRoutingStrategy
{
    public string Name => RoutingStrategies.Single;

    public async Task<HttpResponseMessage> RunAsync(GatewayRequest request, RoutePlan plan, CancellationToken cancellationToken)
    {
        var walk = new RouteWalk(request, plan);
        for (var i = 0; i < plan.Targets.Count && !walk.IsOver; i++)
        {
            var target = plan.Targets[i];
            walk.Reach(i);
            if (request.TimeLeft(time) < TargetCaller.LeastTime)
            {
                if (walk.Failed.Count == 0)
                {
                    return GatewayErrorContent.Respond(RouteOutcome.OutOfTime);
                }

                break;
            }

            if (walk.MayTry(target, i) && await CallAsync(request, target, walk, walk.HasNext(i), cancellationToken) is { } response)
            {
                return response;
            }
        }

        // Nobody else is left: now a target is worth waiting for that was left out for a moment only.
        if (walk.Soonest is { } soon && request.TimeLeft(time) >= TargetCaller.LeastTime && await CallAsync(request, soon, walk, hasNext: false, cancellationToken) is { } late)
        {
            return late;
        }

        walk.Reach(plan.Targets.Count);
        return RouteOutcome.Respond(request, walk.Failed, walk.Skipped);
    }

    private async ValueTask<HttpResponseMessage?> CallAsync(GatewayRequest request, ProviderTarget target, RouteWalk walk, bool hasNext, CancellationToken cancellationToken)
    {
        var waitedFrom = time.GetTimestamp();
        var result = await targets.RunAsync(request, target, AttemptRole.Answer, walk.Turn(hasNext), cancellationToken);
        request.Tally.ProviderWait += time.GetElapsedTime(waitedFrom);
        if (result.Response is { } response)
        {
            request.Tally.Answer = request.Tally.LastAttempt;
            return response;
        }

        walk.Note(target, result.Failure!);
        return null;
    }
}
