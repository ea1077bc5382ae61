namespace LlmGateway.Database;

/// <summary>The tables of one part of the gateway. All that are registered are applied, in order of version, when the database is first opened.</summary>
internal interface IDatabaseSchema
{
    /// <summary>The part's name; versions are counted and remembered for each.</summary>
    string Name { get; }

    /// <summary>Scripts from version 1 on; each runs once in a transaction, and none is ever changed once it has shipped.</summary>
    IReadOnlyList<string> Scripts(DatabaseKind kind);
}
