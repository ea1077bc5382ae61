namespace LlmGateway.Resilience;

/// <summary>Whether a target may be called now.</summary>
/// <param name="Slot">What the call holds of it, where it may.</param>
/// <param name="Refusal">Why it may not; null: it may.</param>
internal readonly record struct Admission(CallSlot Slot, AdmissionRefusal? Refusal);
