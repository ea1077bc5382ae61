namespace LlmGateway.Limits;

/// <summary>What a budget said.</summary>
/// <param name="Verdict">Whether it holds what was asked.</param>
/// <param name="Spent">Micro-dollars spent in the period.</param>
/// <param name="SetAside">Micro-dollars set aside for calls under way.</param>
internal readonly record struct BudgetReading(BudgetVerdict Verdict, long Spent, long SetAside)
{
    public static BudgetReading Unknown => new(BudgetVerdict.Unknown, 0, 0);
}
