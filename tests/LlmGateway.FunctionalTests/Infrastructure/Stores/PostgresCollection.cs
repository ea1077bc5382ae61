namespace LlmGateway.FunctionalTests.Infrastructure;

/// <summary>Tests that share one PostgreSQL server, each with a database of its own, one after the other: some of them stop it.</summary>
[CollectionDefinition(nameof(PostgresCollection))]
public sealed class PostgresCollection : ICollectionFixture<PostgresServer>;
