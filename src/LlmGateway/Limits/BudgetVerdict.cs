namespace LlmGateway.Limits;

/// <summary>Whether a budget holds what was asked of it.</summary>
internal enum BudgetVerdict
{
    /// <summary>It does; where something was to be set aside, it is.</summary>
    Fits,

    /// <summary>It does not.</summary>
    TooMuch,

    /// <summary>No store that knows could be asked.</summary>
    Unknown,
}
