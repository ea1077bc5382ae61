namespace LlmGateway.FunctionalTests.Infrastructure;

/// <summary>Tests that share one Redis, one after the other: some of them stop it. Alone in the process, because they measure how soon it is missed and found again.</summary>
[CollectionDefinition(nameof(RedisCollection), DisableParallelization = true)]
public sealed class RedisCollection : ICollectionFixture<RedisServer>;
