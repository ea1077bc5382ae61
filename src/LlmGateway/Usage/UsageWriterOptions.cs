namespace LlmGateway.Usage;

/// <summary>How records are gathered and how a failed write is repeated.</summary>
internal sealed record UsageWriterOptions
{
    /// <summary>Records gather this long after the first, then go together.</summary>
    public TimeSpan Gather { get; init; } = TimeSpan.FromMilliseconds(50);

    /// <summary>Meanwhile those that the journal holds back are written to its file this often.</summary>
    public TimeSpan Flush { get; init; } = TimeSpan.FromMilliseconds(10);

    /// <summary>Most records of one transaction.</summary>
    public int MaxBatch { get; init; } = 2_000;

    /// <summary>Wait after the first failure; doubled after each further one.</summary>
    public TimeSpan FirstRetry { get; init; } = TimeSpan.FromMilliseconds(100);

    public TimeSpan MaxRetry { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>How long stopping waits for a database when nothing but memory holds the records.</summary>
    public TimeSpan LastPatience { get; init; } = TimeSpan.FromSeconds(10);
}
