using LlmGateway.Model;

namespace LlmGateway.Usage.Journal;

/// <summary>Entries of the journal as bytes. What is written is read in the same order.</summary>
internal static class JournalCodec
{
    public static (byte[] Bytes, int Length) Write(DispatchedCall call)
    {
        var entry = new EntryWriter(EntryKind.Dispatched);
        entry.Write(call.RecordId);
        entry.Write((long)call.Index);
        entry.Write(call.Time.UtcTicks);
        entry.Write(call.RequestId);
        entry.Write(call.Key);
        entry.Write(call.Department);
        entry.Write(call.UserId);
        entry.Write(call.Agent);
        entry.Write(call.Strategy);
        entry.Write(call.Endpoint);
        entry.Write(call.IsStreaming);
        entry.Write(call.Provider);
        entry.Write(call.Model);
        entry.Write((long)call.Role);
        entry.Write(call.InputTokens);
        entry.Write(call.CostMicroUsd);
        entry.Write(call.IsUnpriced);
        return entry.Finish();
    }

    /// <summary>The rest of a dispatched call whose record's id has been read.</summary>
    public static DispatchedCall ReadDispatched(Guid recordId, ref EntryReader entry) => new()
    {
        RecordId = recordId,
        Index = entry.ReadInt(),
        Time = new DateTimeOffset(entry.ReadNumber(), TimeSpan.Zero),
        RequestId = entry.ReadText(),
        Key = entry.ReadText(),
        Department = entry.ReadOptionalText(),
        UserId = entry.ReadOptionalText(),
        Agent = entry.ReadText(),
        Strategy = entry.ReadText(),
        Endpoint = entry.ReadText(),
        IsStreaming = entry.ReadBool(),
        Provider = entry.ReadText(),
        Model = entry.ReadText(),
        Role = (AttemptRole)entry.ReadInt(),
        InputTokens = entry.ReadNumber(),
        CostMicroUsd = entry.ReadNumber(),
        IsUnpriced = entry.ReadBool(),
    };

    public static (byte[] Bytes, int Length) Write(RequestRecord record)
    {
        var entry = new EntryWriter(EntryKind.Ended);
        entry.Write(record.Id);
        entry.Write(record.Time.UtcTicks);
        entry.Write(record.RequestId);
        entry.Write(record.Key);
        entry.Write(record.Department);
        entry.Write(record.UserId);
        entry.Write(record.Agent);
        entry.Write(record.Strategy);
        entry.Write(record.Endpoint);
        entry.Write((long)record.Status);
        entry.Write(record.IsStreaming);
        entry.Write(record.Provider);
        entry.Write(record.Model);
        entry.Write((long)record.FallbackReason);
        Write(ref entry, record.Usage);
        entry.Write(record.CostMicroUsd);
        entry.Write(record.IsUnpriced);
        entry.Write(record.Duration);
        entry.Write(record.TimeToFirstToken);
        entry.Write(record.IsCached);
        entry.Write(record.SavedMicroUsd);
        entry.Write((long)record.Attempts.Count);
        foreach (var attempt in record.Attempts)
        {
            Write(ref entry, attempt);
        }

        return entry.Finish();
    }

    /// <summary>The rest of a record whose id has been read.</summary>
    public static RequestRecord ReadEnded(Guid id, ref EntryReader entry) => new()
    {
        Id = id,
        Time = new DateTimeOffset(entry.ReadNumber(), TimeSpan.Zero),
        RequestId = entry.ReadText(),
        Key = entry.ReadText(),
        Department = entry.ReadOptionalText(),
        UserId = entry.ReadOptionalText(),
        Agent = entry.ReadText(),
        Strategy = entry.ReadText(),
        Endpoint = entry.ReadText(),
        Status = entry.ReadInt(),
        IsStreaming = entry.ReadBool(),
        Provider = entry.ReadOptionalText(),
        Model = entry.ReadOptionalText(),
        FallbackReason = (FailureReason)entry.ReadInt(),
        Usage = ReadUsage(ref entry),
        CostMicroUsd = entry.ReadNumber(),
        IsUnpriced = entry.ReadBool(),
        Duration = entry.ReadTime(),
        TimeToFirstToken = entry.ReadOptionalTime(),
        IsCached = entry.ReadBool(),
        SavedMicroUsd = entry.ReadNumber(),
        Attempts = ReadAttempts(id, ref entry),
    };

    private static void Write(ref EntryWriter entry, AttemptRecord attempt)
    {
        entry.Write((long)attempt.Index);
        entry.Write(attempt.Provider);
        entry.Write(attempt.Model);
        entry.Write((long)attempt.Role);
        entry.Write((long)attempt.Outcome);
        entry.Write((long)attempt.Status);
        Write(ref entry, attempt.Usage);
        entry.Write((long)attempt.Source);
        entry.Write(attempt.CostMicroUsd);
        entry.Write(attempt.IsUnpriced);
        entry.Write(attempt.Duration);
        entry.Write(attempt.TimeToFirstToken);
    }

    private static AttemptRecord[] ReadAttempts(Guid recordId, ref EntryReader entry)
    {
        var attempts = new AttemptRecord[entry.ReadInt()];
        for (var i = 0; i < attempts.Length; i++)
        {
            var index = entry.ReadInt();
            attempts[i] = new()
            {
                Id = RequestAccount.AttemptId(recordId, index),
                Index = index,
                Provider = entry.ReadText(),
                Model = entry.ReadText(),
                Role = (AttemptRole)entry.ReadInt(),
                Outcome = (FailureReason)entry.ReadInt(),
                Status = entry.ReadInt(),
                Usage = ReadUsage(ref entry),
                Source = (UsageSource)entry.ReadInt(),
                CostMicroUsd = entry.ReadNumber(),
                IsUnpriced = entry.ReadBool(),
                Duration = entry.ReadTime(),
                TimeToFirstToken = entry.ReadOptionalTime(),
            };
        }

        return attempts;
    }

    private static void Write(ref EntryWriter entry, in TokenUsage usage)
    {
        entry.Write(usage.Input);
        entry.Write(usage.Output);
        entry.Write(usage.CachedInput);
        entry.Write(usage.Reasoning);
        entry.Write(usage.IsEstimated);
    }

    private static TokenUsage ReadUsage(ref EntryReader entry) =>
        new(entry.ReadNumber(), entry.ReadNumber(), entry.ReadNumber(), entry.ReadNumber(), entry.ReadBool());
}
