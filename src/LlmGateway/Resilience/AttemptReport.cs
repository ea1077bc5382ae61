using LlmGateway.Model;
using LlmGateway.Providers;

namespace LlmGateway.Resilience;

/// <summary>Writes what an attempt learns into its tally: first token, end, and usage, reported by the provider or counted from what was seen.</summary>
internal sealed class AttemptReport(GatewayRequest request, AttemptTally tally, TargetState state, CallSlot slot, CallCredentials credentials, TimeProvider time)
{
    private int _isSettled;
    private bool _hasAnswered;
    private bool _isExcused;

    public ProviderTarget Target => tally.Target;

    /// <summary>W3C context that the provider's spans belong under: the attempt's own, else as the client sent it.</summary>
    public string? TraceParent => tally.Span?.Id ?? request.TraceParent;

    /// <summary>Whether the answer goes to the client and must be what was asked for; an evaluator's is read with more patience.</summary>
    public bool IsHeldToForm => tally.Role != AttemptRole.Evaluator;

    public void NoteStatus(int status) => tally.Status = status;

    /// <summary>The gateway itself stood still: that time ran out tells nothing of the target.</summary>
    public void Excuse() => _isExcused = true;

    /// <summary>The answer has begun; only the first call counts.</summary>
    public void NoteFirstToken()
    {
        if (_hasAnswered)
        {
            return;
        }

        tally.FirstToken = time.GetTimestamp();
        _hasAnswered = true;
        state.Answered(slot, credentials);
    }

    /// <summary>Ends a streamed attempt, however it ended.</summary>
    public void End(FailureReason outcome, StreamTranslator translator) =>
        Settle(outcome, translator.Usage ?? Counted(outcome, translator));

    /// <summary>Ends an attempt that answered as a whole.</summary>
    public void EndWhole(in ProviderReply reply) => EndWhole(FailureReason.None, reply);

    /// <summary>Ends an attempt whose answer came as a whole and is not what was asked for: it has cost what it has cost.</summary>
    public void EndRefused(in ProviderReply reply) => EndWhole(FailureReason.InvalidResponse, reply);

    /// <summary>Ends an attempt that did not answer. A call that was cut off has cost its prompt; one that was refused has cost nothing.</summary>
    public void EndFailed(FailureReason outcome, bool wasAccepted) =>
        Settle(outcome, wasAccepted ? TokenEstimate.Of(request, 0) : null);

    /// <summary>What a client is told that asked for usage and whose provider gave none.</summary>
    public TokenUsage? Estimate(StreamTranslator translator) =>
        translator.Usage is null ? TokenEstimate.Of(request, translator.TokensSeen) : null;

    private void EndWhole(FailureReason outcome, in ProviderReply reply)
    {
        NoteFirstToken();

        // An answer in the wrong form was provoked by the prompt as likely as not: a client must not be able to close a target to others.
        Settle(outcome, reply.Usage ?? TokenEstimate.Of(request, TokenEstimate.OfText(reply.OutputBytes)), isHealthy: true);
    }

    private void Settle(FailureReason outcome, TokenUsage? usage, bool isHealthy = false)
    {
        if (Interlocked.Exchange(ref _isSettled, 1) != 0)
        {
            return;
        }

        tally.End(outcome, usage, time.GetTimestamp());
        state.Statistics.Record(tally, request.Scan.IsStreaming, time);
        var told = isHealthy ? FailureReason.None : _isExcused ? FailureReason.Cancelled : outcome;
        state.End(slot, told, _hasAnswered, request.Config.Circuit);
    }

    private TokenUsage? Counted(FailureReason outcome, StreamTranslator translator) =>
        translator.HasFirstToken || outcome is FailureReason.None or FailureReason.Cancelled or FailureReason.Timeout
            ? TokenEstimate.Of(request, translator.TokensSeen)
            : null;
}
