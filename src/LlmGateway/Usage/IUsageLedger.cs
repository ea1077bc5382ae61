using LlmGateway.Database;

namespace LlmGateway.Usage;

/// <summary>Where records are kept for good. Append-only: writing a record again changes nothing.</summary>
internal interface IUsageLedger
{
    /// <summary>Writes all of a batch or nothing of it.</summary>
    /// <exception cref="DatabaseUnavailableException">It was not written, or it is not known whether it was: write it again.</exception>
    Task WriteAsync(IReadOnlyList<RequestRecord> batch, CancellationToken cancellationToken);

    /// <summary>The latest records with their attempts, newest first.</summary>
    /// <param name="limit">How many at most.</param>
    /// <param name="before">Only records older than this one.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="DatabaseUnavailableException">It cannot be read now.</exception>
    Task<IReadOnlyList<RequestRecord>> LatestAsync(int limit, Guid? before, CancellationToken cancellationToken);

    /// <summary>Usage of the groups over a span of time, the costliest first, days in their order.</summary>
    /// <param name="grouping">What is summed up by.</param>
    /// <param name="first">Beginning of the span.</param>
    /// <param name="end">Its end, which does not belong to it.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="DatabaseUnavailableException">It cannot be read now.</exception>
    Task<IReadOnlyList<UsageSum>> SumAsync(UsageGrouping grouping, DateTimeOffset first, DateTimeOffset end, CancellationToken cancellationToken);
}
