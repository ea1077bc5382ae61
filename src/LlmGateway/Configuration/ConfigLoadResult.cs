using LlmGateway.Model;

namespace LlmGateway.Configuration;

/// <summary>What loading the files came to.</summary>
/// <param name="Candidate">The snapshot; with problems it is only good for finding more of them.</param>
/// <param name="Problems">Everything that is wrong; empty: the candidate can be put in force.</param>
/// <param name="Notices">What the operator should know though nothing is wrong, one log line each.</param>
public sealed record ConfigLoadResult(GatewayConfig Candidate, IReadOnlyList<ConfigProblem> Problems, IReadOnlyList<string> Notices)
{
    /// <summary>Whether all files could be parsed: else nobody can say what the candidate lacks.</summary>
    public bool IsParsed { get; init; } = true;

    public bool IsAccepted => Problems.Count == 0;
}
