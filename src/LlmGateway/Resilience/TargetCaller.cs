using LlmGateway.Model;

namespace LlmGateway.Resilience;

/// <summary>Calls one target, with all that stands between a strategy and the attempt itself: its health, its limits, its retries.</summary>
internal sealed class TargetCaller(ProviderAttempt attempts)
{
    /// <summary>
    /// Answers in OpenAI's form, or says why not. <see cref="FailureReason.CircuitOpen"/> and <see cref="FailureReason.Unsupported"/> mean
    /// that the target was left out: nothing was sent, and it is no attempt.
    /// </summary>
    public Task<AttemptResult> RunAsync(GatewayRequest request, ProviderTarget target, AttemptRole role, CancellationToken cancellationToken) =>
        attempts.RunAsync(request, target, role, cancellationToken);
}
