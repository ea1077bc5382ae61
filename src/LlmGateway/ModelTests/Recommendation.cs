namespace LlmGateway.ModelTests;

/// <summary>Which models to list under which role, and why.</summary>
internal sealed record Recommendation
{
    public IReadOnlyList<RecommendedModel> Primary { get; init; } = [];

    public IReadOnlyList<RecommendedModel> Duplicate { get; init; } = [];

    public IReadOnlyList<RecommendedModel> Reserve { get; init; } = [];

    public IReadOnlyList<RecommendedModel> Fallback { get; init; } = [];

    public IReadOnlyList<RecommendedModel> NotRecommended { get; init; } = [];
}
