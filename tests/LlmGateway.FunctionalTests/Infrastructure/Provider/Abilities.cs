namespace LlmGateway.FunctionalTests.Infrastructure;

/// <summary>What a scripted model can do when the model tests ask it.</summary>
[Flags]
internal enum Abilities
{
    None = 0,
    Tools = 1,
    ParallelTools = 2,
    Json = 4,
    JsonSchema = 8,
    Vision = 16,
    Usage = 32,
    All = 63,
}
