namespace LlmGateway.ModelTests;

/// <summary>One probe of one model.</summary>
/// <param name="Name">One of <see cref="ProbeNames"/>.</param>
/// <param name="Status">How it ended.</param>
/// <param name="Duration">Milliseconds of its call; null where it made none of its own.</param>
/// <param name="Detail">Why it did not pass; null where there is nothing to say.</param>
internal sealed record ProbeResult(string Name, ProbeStatus Status, long? Duration = null, string? Detail = null);
