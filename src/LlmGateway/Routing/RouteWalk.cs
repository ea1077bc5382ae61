using LlmGateway.Model;
using LlmGateway.Resilience;

namespace LlmGateway.Routing;

/// <summary>
/// How far one request has come along its plan: who is asked next, what failed, what was left out, and what the client is told when nobody
/// is left. It holds the rules of falling back for all strategies; it is not thread-safe, one strategy walks it alone.
/// </summary>
internal sealed class RouteWalk(GatewayRequest request, RoutePlan plan, TimeProvider time)
{
    // A request with tools goes its way once for each round.
    private readonly int _earlierAttempts = request.Tally.AttemptCount;
    private List<FailedAttempt>? _failed;
    private List<SkippedTarget>? _skipped;
    private FailureReason? _lastReason;
    private TimeSpan _soonestWait = TimeSpan.MaxValue;
    private ProviderTarget? _soonest;
    private int _next;
    private bool _isOutOfTime;

    public GatewayRequest Request => request;

    public RoutePlan Plan => plan;

    /// <summary>Whether nobody else may answer: the client's own fault, or a reason that the profile does not go on after.</summary>
    public bool MustStop { get; private set; }

    private int AttemptsLeft => plan.MaxAttempts - (request.Tally.AttemptCount - _earlierAttempts);

    private bool MayAttempt => !MustStop && (_failed is null || AttemptsLeft > 0);

    private bool HasTime => request.TimeLeft(time) >= TargetCaller.LeastTime;

    /// <summary>The next target to ask once those before it have failed; null: none is left.</summary>
    public ProviderTarget? Next()
    {
        while (_next < plan.Targets.Count && MayAttempt)
        {
            Reach(_next);
            if (!HasTime)
            {
                _isOutOfTime = _failed is null;
                return null;
            }

            var index = _next++;
            if (MayTry(plan.Targets[index], index))
            {
                return plan.Targets[index];
            }
        }

        // Nobody else is left: now a target is worth waiting for that was left out for a moment only.
        var soonest = MayAttempt && HasTime ? _soonest : null;
        _soonest = null;
        return soonest;
    }

    /// <summary>The next target to ask beside one that is silent; null: there is none that needs no failure before it, or no attempt left.</summary>
    public ProviderTarget? NextBeside()
    {
        if (MustStop || AttemptsLeft <= 0 || !HasTime)
        {
            return null;
        }

        while (_next < plan.Targets.Count && plan.Targets[_next].OnlyAfter is null)
        {
            var index = _next++;
            if (MayTry(plan.Targets[index], index))
            {
                return plan.Targets[index];
            }
        }

        return null;
    }

    /// <summary>What the call to the target that was handed out last may do; it leaves an attempt for a target that has not been tried.</summary>
    /// <param name="hasCompany">Whether another attempt is under way.</param>
    public CallTurn Turn(bool hasCompany = false)
    {
        var hasNext = hasCompany || HasNext();
        return new CallTurn(hasNext, Math.Max(0, Math.Min(request.Config.RetryAttempts, AttemptsLeft - (hasNext ? 2 : 1))));
    }

    /// <summary>Takes in why a target did not answer.</summary>
    /// <param name="target">Who was asked.</param>
    /// <param name="failure">Why it did not answer.</param>
    /// <param name="isFallback">Whether another answers for that reason; a hedge that fails beside one that is still expected is no such reason.</param>
    public void Note(ProviderTarget target, AttemptFailure failure, bool isFallback = true)
    {
        // Nobody falls back for the client's own fault.
        if (isFallback && First(failure).Reason is not FailureReason.InvalidRequest and var reason)
        {
            request.Tally.NoteFallback(reason);
        }

        if (failure.LeftOut is { } why)
        {
            _lastReason = failure.Reason == FailureReason.CircuitOpen ? failure.Cause : failure.Reason;
            (_skipped ??= [.. plan.Skipped]).Add(new SkippedTarget(target, failure.Reason, why) { RetryAfter = failure.RetryAfter, Param = failure.Param });
            if (failure is { MayServeSoon: true, RetryAfter: { } wait } && wait < _soonestWait)
            {
                _soonestWait = wait;
                _soonest = target;
            }

            return;
        }

        _lastReason = failure.Reason;
        Add(target, failure);
        MustStop |= failure.Reason == FailureReason.InvalidRequest || request.Profile.FallbackOn?.Contains(failure.Reason) == false;
    }

    /// <summary>The answer to a request that nobody answered.</summary>
    public HttpResponseMessage Fail()
    {
        if (_isOutOfTime)
        {
            return GatewayErrorContent.Respond(RouteOutcome.OutOfTime);
        }

        Reach(plan.Targets.Count);
        return RouteOutcome.Respond(request, _failed ?? (IReadOnlyList<FailedAttempt>)[], _skipped ?? plan.Skipped);
    }

    /// <summary>Targets left out are a reason to fall back once their turn has come, and not before.</summary>
    private void Reach(int index)
    {
        if (plan.Skipped.Count > 0 && plan.Skipped[0] is var first && first.Before <= index)
        {
            request.Tally.NoteFallback(first.Reason);
        }
    }

    /// <summary>Whether this target's turn has come; what cannot help any more is left out here.</summary>
    private bool MayTry(ProviderTarget target, int index)
    {
        if (target.OnlyAfter is { } after)
        {
            // A target left out is no reason that such a one waits for: the mock does not stand in for what Ollama cannot carry.
            return _lastReason is { } last ? after.Contains(last) : !plan.Skipped.Any(left => left.Before <= index);
        }

        foreach (var (failed, failure) in _failed ?? [])
        {
            if (WhyPointless(target, failed, failure.Reason) is { } why)
            {
                (_skipped ??= [.. plan.Skipped]).Add(new SkippedTarget(target, FailureReason.Unsupported, why));
                return false;
            }
        }

        return true;
    }

    /// <summary>Whether another target comes without conditions.</summary>
    private bool HasNext()
    {
        for (var i = _next; i < plan.Targets.Count; i++)
        {
            if (plan.Targets[i].OnlyAfter is null)
            {
                return true;
            }
        }

        return false;
    }

    private void Add(ProviderTarget target, AttemptFailure failure)
    {
        if (failure.Previous is { } previous)
        {
            Add(target, previous);
        }

        (_failed ??= []).Add(new FailedAttempt(target, failure));
    }

    private static AttemptFailure First(AttemptFailure failure) => failure.Previous is { } previous ? First(previous) : failure;

    private static string? WhyPointless(ProviderTarget target, ProviderTarget failed, FailureReason reason) => reason switch
    {
        FailureReason.ContextLength when !Capabilities.MayBeLarger(target, failed) => $"its window is no larger than that of {failed}, which the prompt does not fit into",
        FailureReason.ContentFilter when target.Provider.Name == failed.Provider.Name => "the same provider's filter has refused the prompt",
        _ => null,
    };
}
