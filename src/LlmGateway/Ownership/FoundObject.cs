namespace LlmGateway.Ownership;

/// <summary>An object that an answer has told of.</summary>
/// <param name="Id">What the provider calls it.</param>
/// <param name="Parent">The object whose owner owns it, too; null: it was made by this very call.</param>
internal readonly record struct FoundObject(string Id, string? Parent);
