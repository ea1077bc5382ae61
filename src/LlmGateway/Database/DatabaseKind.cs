namespace LlmGateway.Database;

/// <summary>The databases that the gateway can keep its records in.</summary>
internal enum DatabaseKind
{
    /// <summary>One file, one instance.</summary>
    Sqlite,

    /// <summary>A server, shared by several instances.</summary>
    PostgreSql,
}
