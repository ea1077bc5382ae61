using LlmGateway.Api;
using LlmGateway.Model;
using LlmGateway.Resilience;

namespace LlmGateway.Usage.Journal;

/// <summary>
/// Where every provider call is noted before it is made and every record is kept until the database has it: files that survive the process.
/// Writing to it takes microseconds and fails no request; what it cannot take, bounded memory does, and after that the loss is counted.
/// </summary>
internal sealed class UsageJournal(JournalWriter writer, TimeProvider time) : ICallJournal, IReadinessCheck
{
    /// <summary>
    /// Whether there is no room left for records because the database has been away too long. What is spent from now on is not recorded:
    /// a key with a hard budget must not spend.
    /// </summary>
    public bool IsFull => writer.IsFull;

    public string? Problem =>
        IsFull ? "The usage journal is full: usage records are lost until the database takes some."
        : writer.Trouble is { } trouble ? $"The usage journal cannot be written ({trouble}); usage records are kept in memory."
        : null;

    public ValueTask DispatchingAsync(GatewayRequest request, AttemptTally call)
    {
        var usage = TokenEstimate.Of(request, 0);
        var price = call.Target.ModelConfig?.Price;
        return writer.AppendAsync(new DispatchedCall
        {
            RecordId = request.Tally.RecordId,
            Index = call.Index,
            Time = time.GetUtcNow(),
            RequestId = request.Tally.RequestId,
            Key = request.Key.Name,
            Department = request.Key.Department,
            UserId = request.Identity.UserId,
            Agent = request.Profile.Name,
            Strategy = request.Strategy,
            Endpoint = request.Tally.Endpoint,
            IsStreaming = request.Scan.IsStreaming,
            Provider = call.Target.Provider.Name,
            Model = RequestAccount.ModelOf(call.Target),
            Role = call.Role,
            InputTokens = usage.Input,
            CostMicroUsd = price?.CostOf(usage) ?? 0,
            IsUnpriced = price is null && usage.Input > 0,
        });
    }

    /// <summary>Keeps a record until the database has it. It never waits.</summary>
    public void Add(RequestRecord record) => writer.Append(record);
}
