namespace LlmGateway.FunctionalTests.Infrastructure;

/// <summary>Tests that need one Redis and one PostgreSQL server, as several instances of the gateway share them.</summary>
[CollectionDefinition(nameof(SharedStoresCollection))]
public sealed class SharedStoresCollection : ICollectionFixture<RedisServer>, ICollectionFixture<PostgresServer>;
