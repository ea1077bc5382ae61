namespace LlmGateway.FunctionalTests.Infrastructure;

/// <summary>Tests that share one Redis, one after the other: some of them stop it.</summary>
[CollectionDefinition(nameof(RedisCollection))]
public sealed class RedisCollection : ICollectionFixture<RedisServer>;
