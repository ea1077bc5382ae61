using LlmGateway.Model;

namespace LlmGateway.Routing;

/// <summary>A target that the plan leaves out, with the reason and what to do about it.</summary>
public sealed record SkippedTarget(ProviderTarget Target, FailureReason Reason, string Explanation);
