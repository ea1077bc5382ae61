using System.Diagnostics;

namespace LlmGateway.Model;

/// <summary>What one request has done so far at providers. Hedged attempts report from several threads at once, so attempts are pushed without a lock.</summary>
public sealed class RequestTally(string requestId, Guid recordId, long started)
{
    private AttemptTally? _last;
    private int _fallbackReason;
    private int _attempts;

    /// <summary>The client's or the gateway's <c>X-Request-Id</c>; it need not be unique.</summary>
    public string RequestId { get; } = requestId;

    /// <summary>The ledger's own id of this request; unique.</summary>
    public Guid RecordId { get; } = recordId;

    /// <summary>Route template that the request came to.</summary>
    public string Endpoint { get; init; } = "";

    /// <summary>Time stamp of the request's arrival.</summary>
    public long Started { get; } = started;

    /// <summary>The request's span: of the gateway's own tracing, or one that only carries the client's trace on; null where there is no trace.</summary>
    public Activity? Span { get; init; }

    /// <summary>The trace that the request belongs to, 32 hex digits; null where there is none.</summary>
    public string? TraceId => Span?.TraceId.ToHexString();

    /// <summary>The trace, if it is one that somebody keeps.</summary>
    public string? SampledTraceId => Span is { Recorded: true } ? TraceId : null;

    /// <summary>The attempt that answered, or is answering.</summary>
    public AttemptTally? Answer { get; set; }

    /// <summary>Time stamp up to which a finished answer was held back, to be compared with another; 0 where it went out as it came.</summary>
    public long HeldUntil { get; set; }

    /// <summary>Time stamp at which the client could see the first token of the answer; 0 before it.</summary>
    public long FirstToken => Answer is { FirstToken: not 0 and var first } ? Math.Max(first, HeldUntil) : 0;

    /// <summary>How many attempts at an answer were made: hedges and candidates are such, an evaluator's and a tool's calls are none.</summary>
    public int AttemptCount => Volatile.Read(ref _attempts);

    /// <summary>The first reason met, of a failed attempt or a skipped target.</summary>
    public FailureReason FallbackReason => (FailureReason)Volatile.Read(ref _fallbackReason);

    /// <summary>What the response cache did.</summary>
    public CacheOutcome Cache { get; set; }

    /// <summary>Set where the response cache answered.</summary>
    public CachedAnswer? Cached { get; set; }

    /// <summary>Time spent waiting for providers, and for tools, before the answer began.</summary>
    public TimeSpan ProviderWait { get; set; }

    public AttemptTally? LastAttempt => Volatile.Read(ref _last);

    /// <summary>Starts the span of a provider call; null where the request is not traced.</summary>
    public Activity? StartSpan() => Span?.Source.StartActivity("attempt", ActivityKind.Client, Span.Context);

    /// <param name="target">Who is called.</param>
    /// <param name="role">What for.</param>
    /// <param name="now">Time stamp.</param>
    /// <param name="hold">What was set aside for the call.</param>
    /// <param name="span">The call's span if it was started before; else one is started here.</param>
    public AttemptTally Begin(ProviderTarget target, AttemptRole role, long now, ICallHold? hold = null, Activity? span = null)
    {
        var attempt = new AttemptTally(target, role, now, hold) { Span = span ?? StartSpan() };
        do
        {
            attempt.Follow(_last);
        }
        while (Interlocked.CompareExchange(ref _last, attempt, attempt.Previous) != attempt.Previous);

        if (role is AttemptRole.Answer or AttemptRole.Candidate or AttemptRole.Hedge)
        {
            Interlocked.Increment(ref _attempts);
        }

        return attempt;
    }

    /// <summary>What looked like the answer only called the gateway's tools: it counts as a tool round, and the answer is still to come.</summary>
    public void MarkToolRound()
    {
        if (Answer is { Role: AttemptRole.Answer or AttemptRole.Candidate or AttemptRole.Hedge } call)
        {
            call.Role = AttemptRole.Tool;
            Interlocked.Decrement(ref _attempts);
        }

        (Answer, HeldUntil) = (null, 0);
    }

    /// <summary>Notes why the first choice did not answer; only the first reason stays.</summary>
    public void NoteFallback(FailureReason reason) => Interlocked.CompareExchange(ref _fallbackReason, (int)reason, 0);

    /// <summary>What all provider calls so far have used together. A model without a price costs nothing here; the ledger flags it.</summary>
    public (long Tokens, long CostMicroUsd) Spent()
    {
        long tokens = 0, cost = 0;
        for (var attempt = LastAttempt; attempt is not null; attempt = attempt.Previous)
        {
            var usage = attempt.Usage ?? default;
            tokens += usage.Total;
            cost += attempt.Target.ModelConfig?.Price?.CostOf(usage) ?? 0;
        }

        return (tokens, cost);
    }

    /// <summary>All attempts, oldest first.</summary>
    public IReadOnlyList<AttemptTally> Attempts()
    {
        var attempts = new List<AttemptTally>();
        for (var attempt = LastAttempt; attempt is not null; attempt = attempt.Previous)
        {
            attempts.Add(attempt);
        }

        attempts.Reverse();
        return attempts;
    }
}
