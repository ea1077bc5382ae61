namespace LlmGateway.Resilience;

/// <summary>What a call holds of its target from its start to its end.</summary>
/// <param name="Generation">The circuit's generation when it began.</param>
/// <param name="IsProbe">Whether it is the half-open circuit's one probe.</param>
internal readonly record struct CallSlot(int Generation, bool IsProbe);
