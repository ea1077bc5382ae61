namespace LlmGateway.Tests;

/// <summary>Tests that measure time: no other runs beside them.</summary>
[CollectionDefinition(nameof(AloneCollection), DisableParallelization = true)]
public sealed class AloneCollection;
