namespace LlmGateway.Configuration;

/// <summary>What the start rules have to say: what forbids running, and what the operator should know.</summary>
public sealed record StartFindings(IReadOnlyList<ConfigProblem> Problems, IReadOnlyList<string> Warnings);
