namespace LlmGateway.Resilience;

/// <summary>Where a circuit stands; the numbers are those of the metric.</summary>
internal enum CircuitPosition
{
    /// <summary>Calls go through.</summary>
    Closed = 0,

    /// <summary>One call goes through to find out; the others are kept out.</summary>
    HalfOpen = 1,

    /// <summary>No call goes through.</summary>
    Open = 2,
}
