namespace LlmGateway.Sessions;

/// <summary>Whether a session is there.</summary>
internal enum SessionState
{
    /// <summary>Not there, or expired.</summary>
    Missing,

    /// <summary>There, and the caller's own.</summary>
    Found,

    /// <summary>Another client key's: the caller is told that there is none.</summary>
    Foreign,

    /// <summary>The shared store cannot be asked now.</summary>
    Unknown,
}
