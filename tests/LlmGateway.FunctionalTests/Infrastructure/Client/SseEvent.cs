namespace LlmGateway.FunctionalTests.Infrastructure;

/// <summary>One event as the client read it.</summary>
/// <param name="Order">Counts from zero.</param>
/// <param name="Name">The <c>event:</c> line; null if there was none.</param>
/// <param name="Data">The <c>data:</c> lines, joined with LF.</param>
/// <param name="Raw">Its bytes, closing blank line included.</param>
/// <param name="ReadAt">Clock reading (Stopwatch) when its last byte was there.</param>
internal sealed record SseEvent(int Order, string? Name, string Data, byte[] Raw, long ReadAt)
{
    public bool IsDone => Data == "[DONE]";
}
