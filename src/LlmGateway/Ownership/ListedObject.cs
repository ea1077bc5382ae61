namespace LlmGateway.Ownership;

/// <summary>One entry of a list as a provider answered it.</summary>
/// <param name="Id">What the provider calls it; null: it tells none, and is nobody's.</param>
/// <param name="IsOfJob">Whether a job has made it, not a call: until somebody has read the job through the gateway its owner is not known.</param>
/// <param name="Start">Where it begins in the answer, in bytes.</param>
/// <param name="End">Behind its last byte.</param>
internal readonly record struct ListedObject(string? Id, bool IsOfJob, int Start, int End);
