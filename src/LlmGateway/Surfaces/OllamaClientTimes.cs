using LlmGateway.Model;

namespace LlmGateway.Surfaces;

/// <summary>How long an answer took, in nanoseconds as Ollama counts: the whole, up to the first token, and from there to the end.</summary>
internal readonly record struct OllamaClientTimes(long Total, long Prompt, long Output)
{
    public static OllamaClientTimes Of(GatewayRequest request, TimeProvider time)
    {
        var now = time.GetTimestamp();
        var tally = request.Tally;
        var attempt = tally.Answer;
        var started = attempt?.Started ?? tally.Started;
        var first = attempt is { FirstToken: > 0 } ? attempt.FirstToken : now;
        return new OllamaClientTimes(Between(tally.Started, now), Between(started, first), Between(first, now));

        // Clients divide by these: nothing takes no time at all.
        long Between(long from, long to) => Math.Max(1, (long)time.GetElapsedTime(from, to).TotalNanoseconds);
    }
}
