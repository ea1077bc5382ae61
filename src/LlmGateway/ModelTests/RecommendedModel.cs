namespace LlmGateway.ModelTests;

/// <summary>One model and the reason for its place.</summary>
internal sealed record RecommendedModel(string Provider, string Model, string Why);
