namespace LlmGateway.Resilience;

/// <summary>Whether a provider answered when it was looked for.</summary>
/// <param name="Problem">Why not; null: it did.</param>
/// <param name="Time">How long that took.</param>
internal readonly record struct Reachability(string? Problem, TimeSpan Time);
