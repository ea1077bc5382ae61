using LlmGateway.Model;
using LlmGateway.Resilience;

namespace LlmGateway.Routing;

/// <summary>One target after the other, in the plan's order, until one answers: before its first token a failure costs the client nothing but time.</summary>
internal sealed class SingleStrategy(TargetCaller targets, TimeProvider time) : IRoutingStrategy
{
    /// <summary>With less time than this left, an attempt could only fail.</summary>
    private static readonly TimeSpan LeastTime = TimeSpan.FromMilliseconds(200);

    public string Name => RoutingStrategies.Single;

    public async Task<HttpResponseMessage> RunAsync(GatewayRequest request, RoutePlan plan, CancellationToken cancellationToken)
    {
        List<FailedAttempt>? failed = null;
        List<SkippedTarget>? skipped = null;
        for (var i = 0; i < plan.Targets.Count; i++)
        {
            var target = plan.Targets[i];
            NoteSkipped(request, plan, i);
            if (request.TotalTimeout - time.GetElapsedTime(request.Tally.Started) < LeastTime)
            {
                if (failed is null)
                {
                    return GatewayErrorContent.Respond(RouteOutcome.OutOfTime);
                }

                break;
            }

            if (failed is not null && !MayFollow(target, failed, plan.MaxAttempts))
            {
                continue;
            }

            // A target left out is no reason that such a one waits for: the mock does not stand in for what Ollama cannot carry.
            if (failed is null && target.OnlyAfter is not null && (skipped ?? plan.Skipped).Any(left => left.Before <= i))
            {
                continue;
            }

            var waitedFrom = time.GetTimestamp();
            var result = await targets.RunAsync(request, target, AttemptRole.Answer, cancellationToken);
            request.Tally.ProviderWait += time.GetElapsedTime(waitedFrom);
            if (result.Response is { } response)
            {
                request.Tally.Answer = request.Tally.LastAttempt;
                return response;
            }

            var failure = result.Failure!;
            request.Tally.NoteFallback(failure.Reason);
            if (failure.Reason == FailureReason.Unsupported)
            {
                (skipped ??= [.. plan.Skipped]).Add(new SkippedTarget(target, failure.Reason, failure.Unsupported ?? "unsupported"));
                continue;
            }

            (failed ??= []).Add(new FailedAttempt(target, failure));
            if (failure.Reason == FailureReason.InvalidRequest || !GoesOn(request.Profile, failure.Reason))
            {
                break;
            }
        }

        NoteSkipped(request, plan, plan.Targets.Count);
        return RouteOutcome.Respond(request, failed ?? [], skipped ?? plan.Skipped);
    }

    /// <summary>Targets left out are a reason to fall back once their turn has come, and not before.</summary>
    private static void NoteSkipped(GatewayRequest request, RoutePlan plan, int reached)
    {
        if (plan.Skipped.Count > 0 && plan.Skipped[0] is var first && first.Before <= reached)
        {
            request.Tally.NoteFallback(first.Reason);
        }
    }

    private static bool MayFollow(ProviderTarget target, List<FailedAttempt> failed, int maxAttempts) =>
        failed.Count < maxAttempts
        && (target.OnlyAfter is null || target.OnlyAfter.Contains(failed[^1].Failure.Reason));

    private static bool GoesOn(AgentProfile profile, FailureReason reason) => profile.FallbackOn is null || profile.FallbackOn.Contains(reason);
}
