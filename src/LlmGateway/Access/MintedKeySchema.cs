using LlmGateway.Database;

namespace LlmGateway.Access;

/// <summary>The table of the keys that the gateway made. Of a key itself only its SHA-256 stands there.</summary>
internal sealed class MintedKeySchema : IDatabaseSchema
{
    private const string First = """
        CREATE TABLE client_keys (
            sha256 TEXT NOT NULL PRIMARY KEY,
            name TEXT NOT NULL,
            definition TEXT NOT NULL,
            created_us BIGINT NOT NULL
        );
        """;

    public string Name => "client_keys";

    public IReadOnlyList<string> Scripts(DatabaseKind kind) => [First];
}
