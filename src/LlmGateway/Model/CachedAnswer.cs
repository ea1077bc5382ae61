namespace LlmGateway.Model;

/// <summary>Who made an answer that came out of the response cache, and what asking again would have cost.</summary>
/// <param name="Target">The target that had answered.</param>
/// <param name="SavedMicroUsd">What it had cost.</param>
public sealed record CachedAnswer(ProviderTarget Target, long SavedMicroUsd);
