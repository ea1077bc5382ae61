using LlmGateway.Model;
using LlmGateway.Providers;

namespace LlmGateway.Resilience;

/// <summary>Writes what an attempt learns into its tally: first token, end, and usage, reported by the provider or counted from what was seen.</summary>
internal sealed class AttemptReport(GatewayRequest request, AttemptTally tally, TimeProvider time)
{
    public ProviderTarget Target => tally.Target;

    /// <summary>W3C context that the provider's spans belong under: the attempt's own, else as the client sent it.</summary>
    public string? TraceParent => tally.Span?.Id ?? request.TraceParent;

    public void NoteStatus(int status) => tally.Status = status;

    public void NoteFirstToken() => tally.FirstToken = time.GetTimestamp();

    /// <summary>Ends a streamed attempt, however it ended.</summary>
    public void End(FailureReason outcome, StreamTranslator translator) =>
        tally.End(outcome, translator.Usage ?? Counted(outcome, translator), time.GetTimestamp());

    /// <summary>Ends an attempt that answered as a whole.</summary>
    public void EndWhole(in ProviderReply reply)
    {
        NoteFirstToken();
        tally.End(FailureReason.None, reply.Usage ?? TokenEstimate.Of(request, TokenEstimate.OfText(reply.OutputBytes)), time.GetTimestamp());
    }

    /// <summary>Ends an attempt that did not answer. A call that was cut off has cost its prompt; one that was refused has cost nothing.</summary>
    public void EndFailed(FailureReason outcome, bool wasAccepted) =>
        tally.End(outcome, wasAccepted ? TokenEstimate.Of(request, 0) : null, time.GetTimestamp());

    /// <summary>What a client is told that asked for usage and whose provider gave none.</summary>
    public TokenUsage? Estimate(StreamTranslator translator) =>
        translator.Usage is null ? TokenEstimate.Of(request, translator.TokensSeen) : null;

    private TokenUsage? Counted(FailureReason outcome, StreamTranslator translator) =>
        translator.HasFirstToken || outcome is FailureReason.None or FailureReason.Cancelled or FailureReason.Timeout
            ? TokenEstimate.Of(request, translator.TokensSeen)
            : null;
}
