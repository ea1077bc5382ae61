using LlmGateway.Model;

namespace LlmGateway.Resilience;

/// <summary>Why a target takes no call now.</summary>
/// <param name="Why">In words, for operators and error messages.</param>
/// <param name="Cause">The failure that brought it there; <see cref="FailureReason.None"/> where nothing failed.</param>
/// <param name="RetryAfter">When it is worth asking again.</param>
/// <param name="WorthWaiting">How long this call may wait for it; zero: not at all.</param>
internal sealed record AdmissionRefusal(string Why, FailureReason Cause, TimeSpan RetryAfter, TimeSpan WorthWaiting)
{
    public AttemptFailure ToFailure() => new(FailureReason.CircuitOpen)
    {
        LeftOut = Why,
        Cause = Cause,
        RetryAfter = RetryAfter,
        MayServeSoon = Cause is FailureReason.None or FailureReason.RateLimit && RetryAfter <= TargetState.LongestWait,
    };
}
