using LlmGateway.Model;
using LlmGateway.Resilience;

namespace LlmGateway.Routing;

/// <summary>How far one request has come along its plan: what failed, what was left out, and who may be asked next.</summary>
internal sealed class RouteWalk(GatewayRequest request, RoutePlan plan)
{
    private List<FailedAttempt>? _failed;
    private List<SkippedTarget>? _skipped;
    private FailureReason? _lastReason;
    private TimeSpan _soonest = TimeSpan.MaxValue;

    /// <summary>Attempts that did not answer, in order.</summary>
    public IReadOnlyList<FailedAttempt> Failed => _failed ?? (IReadOnlyList<FailedAttempt>)[];

    /// <summary>Targets left out, by the plan and on the way.</summary>
    public IReadOnlyList<SkippedTarget> Skipped => _skipped ?? plan.Skipped;

    /// <summary>Whether nobody may be asked any more: the client's own fault, a reason that does not go on, or no attempt left.</summary>
    public bool IsOver { get; private set; }

    /// <summary>The target that may soonest take the call after all; null where there is none, or nobody may be asked any more.</summary>
    public ProviderTarget? Soonest
    {
        get => IsOver ? null : field;
        private set;
    }

    /// <summary>Targets left out are a reason to fall back once their turn has come, and not before.</summary>
    public void Reach(int index)
    {
        if (plan.Skipped.Count > 0 && plan.Skipped[0] is var first && first.Before <= index)
        {
            request.Tally.NoteFallback(first.Reason);
        }
    }

    /// <summary>Whether this target's turn has come; what cannot help any more is left out here.</summary>
    public bool MayTry(ProviderTarget target, int index)
    {
        if (target.OnlyAfter is { } after)
        {
            // A target left out is no reason that such a one waits for: the mock does not stand in for what Ollama cannot carry.
            return _lastReason is { } last ? after.Contains(last) : !plan.Skipped.Any(left => left.Before <= index);
        }

        foreach (var (failed, failure) in Failed)
        {
            if (WhyPointless(target, failed, failure.Reason) is { } why)
            {
                (_skipped ??= [.. plan.Skipped]).Add(new SkippedTarget(target, FailureReason.Unsupported, why));
                return false;
            }
        }

        return true;
    }

    /// <summary>Whether another target comes behind this one without conditions.</summary>
    public bool HasNext(int index)
    {
        for (var i = index + 1; i < plan.Targets.Count; i++)
        {
            if (plan.Targets[i].OnlyAfter is null)
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>What the next call may do; it leaves an attempt for a target that has not been tried.</summary>
    public CallTurn Turn(bool hasNext) => new(
        hasNext, Math.Max(0, Math.Min(request.Config.RetryAttempts, plan.MaxAttempts - request.Tally.AttemptCount - (hasNext ? 2 : 1))));

    /// <summary>Takes in why a target did not answer.</summary>
    public void Note(ProviderTarget target, AttemptFailure failure)
    {
        request.Tally.NoteFallback(First(failure).Reason);
        if (failure.LeftOut is { } why)
        {
            _lastReason = failure.Reason == FailureReason.CircuitOpen ? failure.Cause : failure.Reason;
            (_skipped ??= [.. plan.Skipped]).Add(new SkippedTarget(target, failure.Reason, why) { RetryAfter = failure.RetryAfter });
            if (failure is { MayServeSoon: true, RetryAfter: { } wait } && wait < _soonest)
            {
                _soonest = wait;
                Soonest = target;
            }

            return;
        }

        _lastReason = failure.Reason;
        Add(target, failure);
        IsOver = failure.Reason == FailureReason.InvalidRequest
            || request.Profile.FallbackOn?.Contains(failure.Reason) == false
            || request.Tally.AttemptCount >= plan.MaxAttempts;
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
