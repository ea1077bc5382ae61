namespace LlmGateway.Ownership;

/// <summary>That an object belongs to somebody, to be kept unless it is known to be another's.</summary>
/// <param name="Hash">Of its id, see <see cref="ObjectId.Hash"/>.</param>
/// <param name="Owner">The client key's name.</param>
internal readonly record struct ObjectClaim(string Hash, string Owner);
