using LlmGateway.Model;

namespace LlmGateway.Usage.Journal;

/// <summary>Makes the record of a request of which nothing is known but the calls that were made for it, because the process died.</summary>
internal static class InterruptedRequest
{
    /// <summary>
    /// Each call counts with its prompt as an estimate, whether or not it had failed before: what may have been billed is not left out.
    /// The status is 0, for nobody knows what the client got.
    /// </summary>
    public static RequestRecord Close(IReadOnlyList<DispatchedCall> calls)
    {
        AttemptRecord[] attempts = [.. calls.OrderBy(call => call.Index).DistinctBy(call => call.Index).Select(Close)];
        var (first, last) = (calls.MinBy(call => call.Index)!, calls.MaxBy(call => call.Index)!);
        return new()
        {
            Id = first.RecordId,
            Time = first.Time,
            RequestId = first.RequestId,
            Key = first.Key,
            Department = first.Department,
            UserId = first.UserId,
            Agent = first.Agent,
            Strategy = first.Strategy,
            Endpoint = first.Endpoint,
            Status = 0,
            IsStreaming = first.IsStreaming,
            Provider = last.Provider,
            Model = last.Model,
            Usage = attempts.Aggregate(default(TokenUsage), static (sum, attempt) => sum + attempt.Usage),
            CostMicroUsd = attempts.Sum(attempt => attempt.CostMicroUsd),
            IsUnpriced = attempts.Any(attempt => attempt.IsUnpriced),
            Duration = last.Time - first.Time,
            Attempts = attempts,
        };
    }

    private static AttemptRecord Close(DispatchedCall call) => new()
    {
        Id = RequestAccount.AttemptId(call.RecordId, call.Index),
        Index = call.Index,
        Provider = call.Provider,
        Model = call.Model,
        Role = call.Role,
        Outcome = FailureReason.Interrupted,
        Source = UsageSource.Estimated,
        Usage = new TokenUsage(call.InputTokens, 0, IsEstimated: true),
        CostMicroUsd = call.CostMicroUsd,
        IsUnpriced = call.IsUnpriced,
    };
}
