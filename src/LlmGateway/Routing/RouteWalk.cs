using LlmGateway.Model;
using LlmGateway.Resilience;

namespace LlmGateway.Routing;

/// <summary>
/// One request's way along its plan: which target is next, what has failed so far, and what the client is told when nothing is left. It
/// holds the rules of falling back for all strategies; it is not thread-safe, a strategy walks it alone.
/// </summary>
internal sealed class RouteWalk(GatewayRequest request, RoutePlan plan, TimeProvider time)
{
    /// <summary>With less time than this left, an attempt could only fail.</summary>
    private static readonly TimeSpan LeastTime = TimeSpan.FromMilliseconds(200);

    private List<FailedAttempt>? _failed;
    private List<SkippedTarget>? _skipped;
    private int _next;
    private int _attempts;
    private bool _isOver;
    private bool _isOutOfTime;

    public GatewayRequest Request => request;

    public RoutePlan Plan => plan;

    /// <summary>Whether nothing may follow: the client's own fault, a reason that its profile does not go on after, no time.</summary>
    public bool IsOver => _isOver;

    /// <summary>What is left of the request's time.</summary>
    public TimeSpan TimeLeft => request.TotalTimeout - time.GetElapsedTime(request.Tally.Started);

    /// <summary>The next target to try once those before it have failed; null: none is left.</summary>
    public ProviderTarget? Next()
    {
        while (!_isOver && _next < plan.Targets.Count)
        {
            NoteSkipped(_next);
            if (TimeLeft < LeastTime)
            {
                _isOver = true;
                _isOutOfTime = _attempts == 0;
                return null;
            }

            var index = _next++;
            if (MayTry(plan.Targets[index], index))
            {
                _attempts++;
                return plan.Targets[index];
            }
        }

        return null;
    }

    /// <summary>The next target to try beside one that is silent; null: there is none, or it waits for a failure.</summary>
    public ProviderTarget? NextBeside()
    {
        if (_isOver || _next >= plan.Targets.Count || plan.Targets[_next].OnlyAfter is not null || _attempts >= plan.MaxAttempts || TimeLeft < LeastTime)
        {
            return null;
        }

        _attempts++;
        return plan.Targets[_next++];
    }

    /// <summary>Notes an attempt that the strategy has made on its own account, outside the plan's order.</summary>
    public void NoteAttempt() => _attempts++;

    /// <summary>Notes that a target did not answer.</summary>
    /// <param name="target">Who was tried.</param>
    /// <param name="failure">Why it did not answer.</param>
    /// <param name="isFallback">Whether it is why another answers; a hedge that fails beside one that is still expected is not.</param>
    public void Note(ProviderTarget target, AttemptFailure failure, bool isFallback = true)
    {
        if (isFallback)
        {
            request.Tally.NoteFallback(failure.Reason);
        }

        if (failure.LeftOut is { } why)
        {
            _attempts--;
            (_skipped ??= [.. plan.Skipped]).Add(new SkippedTarget(target, failure.Reason, why));
            return;
        }

        (_failed ??= []).Add(new FailedAttempt(target, failure));
        _isOver |= failure.Reason == FailureReason.InvalidRequest || request.Profile.FallbackOn?.Contains(failure.Reason) is false;
    }

    /// <summary>The answer to a request that nobody answered.</summary>
    public HttpResponseMessage Fail()
    {
        if (_isOutOfTime)
        {
            return GatewayErrorContent.Respond(RouteOutcome.OutOfTime);
        }

        NoteSkipped(plan.Targets.Count);
        return RouteOutcome.Respond(request, _failed ?? [], _skipped ?? plan.Skipped);
    }

    private bool MayTry(ProviderTarget target, int index)
    {
        if (_attempts >= plan.MaxAttempts && _failed is not null)
        {
            return false;
        }

        if (target.OnlyAfter is not { } reasons)
        {
            return true;
        }

        // A target left out is no reason that such a one waits for: the mock does not stand in for what Ollama cannot carry.
        return _failed is null ? !(_skipped ?? plan.Skipped).Any(left => left.Before <= index) : reasons.Contains(_failed[^1].Failure.Reason);
    }

    /// <summary>Targets left out are a reason to fall back once their turn has come, and not before.</summary>
    private void NoteSkipped(int reached)
    {
        if (plan.Skipped.Count > 0 && plan.Skipped[0] is var first && first.Before <= reached)
        {
            request.Tally.NoteFallback(first.Reason);
        }
    }
}
