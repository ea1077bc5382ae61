using System.Globalization;
using LlmGateway.Model;

namespace LlmGateway.Limits;

/// <summary>Millionths of a dollar, in which all money is counted: integers, so that sums are exact.</summary>
internal static class MicroUsd
{
    private const long PerUsd = 1_000_000;

    /// <summary>A key's budget; null: it has none.</summary>
    public static long? BudgetOf(ClientKey key) => key.BudgetUsd is { } usd ? (long)(usd * PerUsd) : null;

    /// <summary>As dollars, for messages.</summary>
    public static string Text(long amount) => string.Create(CultureInfo.InvariantCulture, $"${(decimal)amount / PerUsd:0.######}");
}
