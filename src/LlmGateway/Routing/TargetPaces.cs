using System.Collections.Concurrent;
using LlmGateway.Model;

namespace LlmGateway.Routing;

/// <summary>How fast targets are, streams (to the first token) and whole answers apart; kept across reloads while provider, base URL and model stay the same.</summary>
internal sealed class TargetPaces(TimeProvider time)
{
    private readonly ConcurrentDictionary<(string Provider, Uri? BaseUrl, string Model, bool IsStreaming), TargetPace> _paces = new();

    public TargetPace Of(ProviderTarget target, bool isStreaming) =>
        _paces.GetOrAdd((target.Provider.Name, target.Provider.BaseUrl, target.ModelLabel, isStreaming), static (_, time) => new TargetPace(time), time);

    /// <summary>Takes in what a request's attempts have shown. A failure counts as its target's time-out; one that lost a race was at least as slow as it was allowed to be.</summary>
    /// <param name="request">The request.</param>
    /// <param name="known">The last of its attempts that was taken in before; null: none was.</param>
    public void Learn(GatewayRequest request, AttemptTally? known)
    {
        var isStreaming = request.Scan.IsStreaming;
        for (var attempt = request.Tally.LastAttempt; attempt is not null && attempt != known; attempt = attempt.Previous)
        {
            if (Sample(attempt) is { } sample)
            {
                Of(attempt.Target, isStreaming).Add(sample);
            }
        }
    }

    private TimeSpan? Sample(AttemptTally attempt) => attempt switch
    {
        { FirstToken: not 0, Outcome: FailureReason.None or FailureReason.Cancelled } => time.GetElapsedTime(attempt.Started, attempt.FirstToken),
        { HasEnded: false } or { Outcome: FailureReason.InvalidRequest or FailureReason.ContextLength or FailureReason.ContentFilter } => null,
        { Outcome: FailureReason.Cancelled } => attempt.Duration(time),
        _ => attempt.Target.Timeout,
    };
}
