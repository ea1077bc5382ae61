namespace LlmGateway.Usage;

/// <summary>Where records are kept for good. Append-only: writing a record again changes nothing.</summary>
public interface IUsageLedger : IAsyncDisposable
{
    /// <summary>Makes the store ready: folder, file, tables.</summary>
    /// <exception cref="LedgerUnavailableException">It cannot be used now; trying again may help.</exception>
    /// <exception cref="LedgerSchemaException">A newer version of the gateway has written it; trying again won't help.</exception>
    Task PrepareAsync(CancellationToken cancellationToken);

    /// <summary>Writes all of a batch or nothing of it.</summary>
    /// <exception cref="LedgerUnavailableException">Nothing was written.</exception>
    Task WriteAsync(IReadOnlyList<RequestRecord> batch, CancellationToken cancellationToken);

    /// <summary>The latest records with their attempts, newest first.</summary>
    /// <param name="limit">How many at most.</param>
    /// <param name="before">Only records older than this one.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="LedgerUnavailableException">It cannot be read now.</exception>
    Task<IReadOnlyList<RequestRecord>> LatestAsync(int limit, Guid? before, CancellationToken cancellationToken);
}
