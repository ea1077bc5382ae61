using LlmGateway.Model;

namespace LlmGateway.Limits;

/// <summary>Budgets of an installation without Redis: one process counts them. What was spent before it started stands in the ledger.</summary>
internal sealed class LocalBudgets(SpendHistory history) : IBudgetStore
{
    public ValueTask<(BudgetReading Reading, ICallHold? Hold)> HoldAsync(BudgetPlace place, long budget, long amount, CancellationToken cancellationToken) =>
        place.Account.IsOpened ? new(Hold(place.Account, budget, amount)) : OpenAndHoldAsync(place, budget, amount, cancellationToken);

    /// <summary>Whether anything is left; what was spent before is looked up first where nobody has yet.</summary>
    public async ValueTask<BudgetReading> LookAsync(BudgetPlace place, long budget, CancellationToken cancellationToken) =>
        await OpenAsync(place, cancellationToken) ? place.Account.Look(budget) : BudgetReading.Unknown;

    private async ValueTask<(BudgetReading Reading, ICallHold? Hold)> OpenAndHoldAsync(BudgetPlace place, long budget, long amount, CancellationToken cancellationToken) =>
        await OpenAsync(place, cancellationToken) ? Hold(place.Account, budget, amount) : (BudgetReading.Unknown, null);

    private async ValueTask<bool> OpenAsync(BudgetPlace place, CancellationToken cancellationToken)
    {
        if (place.Account.IsOpened)
        {
            return true;
        }

        // Of a period that began after this process did, it has seen every call itself.
        var spent = history.IsOlderThan(place.Period) ? 0 : await history.SpentAsync(place, cancellationToken);
        if (spent is { } before)
        {
            place.Account.Open(before);
        }

        return spent is not null;
    }

    private static (BudgetReading Reading, ICallHold? Hold) Hold(BudgetAccount account, long budget, long amount)
    {
        var reading = account.Hold(budget, amount);
        return (reading, reading.Verdict == BudgetVerdict.Fits ? new AccountHold(account, amount) : null);
    }

    private sealed class AccountHold(BudgetAccount account, long amount) : ICallHold
    {
        public void End(AttemptTally call) => account.Settle(amount, CallCost.Of(call));
    }
}
