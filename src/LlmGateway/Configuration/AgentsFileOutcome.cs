namespace LlmGateway.Configuration;

/// <summary>Whether a change of the agents file is in force.</summary>
public enum AgentsFileOutcome
{
    /// <summary>Written and in force.</summary>
    Changed,

    /// <summary>There is no such agent.</summary>
    NotFound,

    /// <summary>The file would be refused with it; nothing was written.</summary>
    Invalid,

    /// <summary>The file cannot be written.</summary>
    ReadOnly,
}
