namespace LlmGateway.Model;

/// <summary>What configuration says of one model; a null flag means that nobody said.</summary>
public sealed record ModelConfig
{
    public required string Name { get; init; }

    /// <summary>Tokens of prompt and answer together.</summary>
    public int? ContextWindow { get; init; }

    public bool? SupportsTools { get; init; }

    public bool? SupportsVision { get; init; }

    public bool? SupportsJsonSchema { get; init; }

    public bool IsFree { get; init; }

    /// <summary>Null: unpriced.</summary>
    public ModelPrice? Price { get; init; }
}
