using LlmGateway.Model;
using LlmGateway.Resilience;

namespace LlmGateway.Routing;

/// <summary>An attempt that did not answer, as the outcome is told from it.</summary>
internal sealed record FailedAttempt(ProviderTarget Target, AttemptFailure Failure);
