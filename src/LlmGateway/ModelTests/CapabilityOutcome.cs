namespace LlmGateway.ModelTests;

/// <summary>What became of writing the capability flags.</summary>
/// <param name="File">The settings file as the operator names it.</param>
/// <param name="IsWritten">Whether the file was replaced.</param>
/// <param name="Changes">One line for each flag that was set or changed; empty: the file says it all already.</param>
/// <param name="Problem">Why nothing was written; null where nothing stood in the way.</param>
internal sealed record CapabilityOutcome(string File, bool IsWritten, IReadOnlyList<string> Changes, string? Problem);
