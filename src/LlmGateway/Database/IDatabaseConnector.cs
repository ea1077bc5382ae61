using System.Data.Common;

namespace LlmGateway.Database;

/// <summary>How to reach one kind of database, and what its exceptions mean. Used by the database's thread alone.</summary>
internal interface IDatabaseConnector
{
    DatabaseKind Kind { get; }

    /// <summary>Connects, bounded in time.</summary>
    DbConnection Open();

    /// <summary>Whether an open connection leads nowhere any more, although it would not say so.</summary>
    bool IsStale(DbConnection connection);

    /// <summary>Ends a connection that may be broken, so that nothing of it is left open.</summary>
    void Close(DbConnection connection);

    /// <summary>Begins a transaction in which this process alone changes tables; others wait.</summary>
    DbTransaction BeginSchemaChange(DbConnection connection);

    /// <summary>Why the database cannot be used now; null where the exception is a bug.</summary>
    DatabaseTrouble? Explain(Exception exception);
}
