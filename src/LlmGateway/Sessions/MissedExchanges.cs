namespace LlmGateway.Sessions;

/// <summary>What was said in a session while the shared store was away.</summary>
/// <param name="Entries">The messages, oldest first.</param>
/// <param name="Replaces">Whether they take the place of what the shared store has.</param>
internal sealed record MissedExchanges(SessionEntry[] Entries, bool Replaces);
