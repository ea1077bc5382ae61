namespace LlmGateway.Sessions;

/// <summary>What a store knows of a session.</summary>
/// <param name="State">Whether it is there and whose it is.</param>
/// <param name="Entries">Its messages, oldest first.</param>
internal readonly record struct SessionLookup(SessionState State, IReadOnlyList<SessionEntry> Entries)
{
    public static SessionLookup Missing => new(SessionState.Missing, []);

    public static SessionLookup Foreign => new(SessionState.Foreign, []);

    public static SessionLookup Unknown => new(SessionState.Unknown, []);

    public static SessionLookup Found(IReadOnlyList<SessionEntry> entries) => new(SessionState.Found, entries);
}
