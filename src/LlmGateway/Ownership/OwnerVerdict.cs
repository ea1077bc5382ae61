namespace LlmGateway.Ownership;

/// <summary>Whether a caller may use the objects that it names.</summary>
internal enum OwnerVerdict
{
    /// <summary>They are its own, or nobody is known to own them.</summary>
    Allowed,

    /// <summary>One belongs to somebody else.</summary>
    Foreign,

    /// <summary>One may belong to somebody else, and the database cannot be asked.</summary>
    Unsure,
}
