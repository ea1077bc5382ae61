namespace LlmGateway.Database;

/// <summary>What an exception of a driver means.</summary>
/// <param name="Reason">In words, without a password.</param>
/// <param name="KeepsConnection">Whether the connection is as good as before.</param>
internal readonly record struct DatabaseTrouble(string Reason, bool KeepsConnection);
