namespace LlmGateway.Model;

/// <summary>Where a session's id comes from.</summary>
public enum SessionKind
{
    /// <summary>The gateway has just made it.</summary>
    New,

    /// <summary>It must be there: another one's, or one that has expired, is not found.</summary>
    Existing,

    /// <summary>An issued one, or the client's own, which is made on first use.</summary>
    Any,
}
