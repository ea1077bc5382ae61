using System.Data.Common;

namespace LlmGateway.Database;

/// <summary>
/// The installation's database (<c>DATABASE_URL</c>): SQLite in one file, or PostgreSQL shared by several instances. Its work is done in turn
/// on a thread of its own, synchronously, because SQLite waits synchronously for locks and disks whatever its methods are called; never call
/// it where a request waits, unless the request is about what is stored.
/// </summary>
internal interface IDatabase : IAsyncDisposable
{
    /// <summary>Which SQL it speaks, where the two differ.</summary>
    DatabaseKind Kind { get; }

    /// <summary>Whether the last work could be done.</summary>
    bool IsUp { get; }

    /// <summary>Runs the work on an open connection whose tables are all there, bounded in time.</summary>
    /// <exception cref="DatabaseUnavailableException">It cannot be used now; nothing of an open transaction was kept, and trying again may help.</exception>
    Task<T> RunAsync<T>(Func<DbConnection, T> work, CancellationToken cancellationToken);
}
