using LlmGateway.Model;

namespace LlmGateway.Usage;

/// <summary>Turns a request's tally into the records of the ledger.</summary>
internal static class RequestAccount
{
    private const int MaxModelLength = 128;

    /// <param name="request">The ended request.</param>
    /// <param name="last">Its last attempt, taken once: the tally is a chain, last first, and a loser of a race may still push.</param>
    /// <param name="time">The clock of the tally.</param>
    public static RequestRecord Close(in SettledRequest request, AttemptTally? last, TimeProvider time)
    {
        var tally = request.Tally;
        var attempts = CloseAttempts(tally.RecordId, last, time);
        var usage = default(TokenUsage);
        var cost = 0L;
        var isUnpriced = false;
        foreach (var attempt in attempts)
        {
            usage += attempt.Usage;
            cost += attempt.CostMicroUsd;
            isUnpriced |= attempt.IsUnpriced;
        }

        var target = tally.Cached?.Target ?? (tally.Answer ?? last)?.Target;
        return new()
        {
            Id = tally.RecordId,
            Time = request.Time,
            RequestId = tally.RequestId,
            Key = request.Key.Name,
            Department = request.Department,
            UserId = request.UserId,
            Agent = request.Agent,
            Strategy = request.Strategy,
            Endpoint = request.Endpoint,
            Status = request.Status,
            IsStreaming = request.IsStreaming,
            Provider = target?.Provider.Name,
            Model = target is null ? null : ModelOf(target),
            FallbackReason = tally.FallbackReason,
            Usage = usage,
            CostMicroUsd = cost,
            IsUnpriced = isUnpriced,
            Duration = request.Duration,
            TimeToFirstToken = request.IsStreaming && tally.FirstToken is not 0 and var first ? time.GetElapsedTime(tally.Started, first) : null,
            TraceId = tally.TraceId,
            IsCached = tally.Cached is not null,
            SavedMicroUsd = tally.Cached?.SavedMicroUsd ?? 0,
            Attempts = attempts,
        };
    }

    private static AttemptRecord[] CloseAttempts(Guid recordId, AttemptTally? last, TimeProvider time)
    {
        var count = 0;
        for (var attempt = last; attempt is not null; attempt = attempt.Previous)
        {
            count++;
        }

        if (count == 0)
        {
            return [];
        }

        var records = new AttemptRecord[count];
        for (var attempt = last; attempt is not null; attempt = attempt.Previous)
        {
            records[--count] = Close(attempt, recordId, count, time);
        }

        return records;
    }

    private static AttemptRecord Close(AttemptTally attempt, Guid recordId, int index, TimeProvider time)
    {
        if (!attempt.HasEnded)
        {
            attempt.End(FailureReason.Cancelled, null, time.GetTimestamp());
        }

        var usage = attempt.Usage ?? default;
        if (!usage.IsSane)
        {
            // What cannot be true should have been replaced by an estimate; here only the sums are protected from it.
            usage = new(0, 0, IsEstimated: true);
        }

        var price = attempt.Target.ModelConfig?.Price;
        return new()
        {
            Id = AttemptId(recordId, index),
            Index = index,
            Provider = attempt.Target.Provider.Name,
            Model = ModelOf(attempt.Target),
            Role = attempt.Role,
            Outcome = attempt.Outcome,
            Status = attempt.Status,
            Usage = usage,
            Source = attempt.Usage is null ? UsageSource.None : usage.IsEstimated ? UsageSource.Estimated : UsageSource.Provider,
            CostMicroUsd = price?.CostOf(usage) ?? 0,
            IsUnpriced = price is null && usage.Total > 0,
            Duration = attempt.Duration(time),
            TimeToFirstToken = attempt.FirstToken == 0 ? null : time.GetElapsedTime(attempt.Started, attempt.FirstToken),
        };
    }

    /// <summary>The record's id with the attempt's number mixed into its random part: unique as that is, and the same when made again.</summary>
    internal static Guid AttemptId(Guid recordId, int index)
    {
        Span<byte> bytes = stackalloc byte[16];
        recordId.TryWriteBytes(bytes, bigEndian: true, out _);
        bytes[14] ^= (byte)((index + 1) >> 8);
        bytes[15] ^= (byte)(index + 1);
        return new(bytes, bigEndian: true);
    }

    /// <summary>The name that records keep.</summary>
    internal static string ModelOf(ProviderTarget target) => target.Model.Length <= MaxModelLength ? target.Model : target.Model[..MaxModelLength];
}
