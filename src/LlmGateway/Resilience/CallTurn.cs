namespace LlmGateway.Resilience;

/// <summary>Where a call stands in its route.</summary>
/// <param name="HasNext">Whether another target may still answer: then this one is not waited for when it is busy, cooling down or in doubt.</param>
/// <param name="RetriesLeft">How many more attempts the route allows on this target after the first.</param>
internal readonly record struct CallTurn(bool HasNext, int RetriesLeft);
