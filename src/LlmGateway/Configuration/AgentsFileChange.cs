namespace LlmGateway.Configuration;

/// <summary>How a change of the agents file ended.</summary>
/// <param name="Outcome">Whether it is in force, else why not.</param>
/// <param name="Problem">The same in words; null where there is nothing to say.</param>
public readonly record struct AgentsFileChange(AgentsFileOutcome Outcome, string? Problem);
