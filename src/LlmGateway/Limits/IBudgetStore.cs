using LlmGateway.Model;

namespace LlmGateway.Limits;

/// <summary>Where budgets are kept: the process, Redis, or, while Redis is away, the database.</summary>
internal interface IBudgetStore
{
    /// <summary>Sets an amount aside; where it fits there is a hold, to be ended once.</summary>
    ValueTask<(BudgetReading Reading, ICallHold? Hold)> HoldAsync(BudgetPlace place, long budget, long amount, CancellationToken cancellationToken);
}
