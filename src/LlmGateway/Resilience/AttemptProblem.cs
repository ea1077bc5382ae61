using LlmGateway.Model;

namespace LlmGateway.Resilience;

/// <summary>A target's latest failure, without a word of the provider's own: those may hold secrets.</summary>
/// <param name="Reason">The public reason.</param>
/// <param name="Status">The provider's HTTP status; 0 where none came.</param>
/// <param name="Time">When the attempt ended.</param>
internal sealed record AttemptProblem(FailureReason Reason, int Status, DateTimeOffset Time);
