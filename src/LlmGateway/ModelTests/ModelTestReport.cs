namespace LlmGateway.ModelTests;

/// <summary>What a run of the model tests found; written as Markdown by <see cref="MarkdownReport"/>, as JSON by <see cref="JsonReport"/>.</summary>
internal sealed record ModelTestReport
{
    public required DateTimeOffset StartedAt { get; init; }

    /// <summary>Milliseconds.</summary>
    public required long Duration { get; init; }

    /// <summary>Value of <c>ENVIRONMENT</c>.</summary>
    public required string Environment { get; init; }

    public required ModelTestSummary Summary { get; init; }

    public required IReadOnlyList<ModelResult> Models { get; init; }

    public required Recommendation Recommendation { get; init; }

    /// <summary>What became of <c>--write-capabilities</c>; null where it was not asked for.</summary>
    public CapabilityOutcome? Capabilities { get; init; }
}
