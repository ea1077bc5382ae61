namespace LlmGateway.Limits;

/// <summary>What the limits said, and how far they are used: what the answer's <c>x-ratelimit-*</c> headers tell. Times are milliseconds.</summary>
internal readonly record struct LimitReading
{
    public LimitKind Refused { get; init; }

    /// <summary>The limits that were applied: the key's, or this instance's share of them.</summary>
    public KeyLimits Limits { get; init; }

    /// <summary>Until trying again can help; null: nobody can tell, or never.</summary>
    public long? Wait { get; init; }

    /// <summary>Where the budget refused: what it said.</summary>
    public BudgetReading Budget { get; init; }

    public long UsedRequests { get; init; }

    public long ResetRequests { get; init; }

    public long UsedTokens { get; init; }

    public long ResetTokens { get; init; }

    /// <summary>When the tokens were counted, by the clock of whoever counts them; given back when the count is corrected.</summary>
    public long TokensCountedAt { get; init; }
}
