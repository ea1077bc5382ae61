using LlmGateway.Database;

namespace LlmGateway.Ownership;

/// <summary>The table of who made which object at a provider. Of an object only the SHA-256 of its id stands there.</summary>
internal sealed class ObjectOwnerSchema : IDatabaseSchema
{
    private const string First = """
        CREATE TABLE object_owners (
            sha256 TEXT NOT NULL PRIMARY KEY,
            owner TEXT NOT NULL,
            created_us BIGINT NOT NULL
        );
        CREATE INDEX object_owners_age ON object_owners (created_us);
        """;

    public string Name => "object_owners";

    public IReadOnlyList<string> Scripts(DatabaseKind kind) => [First];
}
