using LlmGateway.Model;
using LlmGateway.Resilience;
using LlmGateway.Telemetry;
using LlmGateway.Usage.Journal;

namespace LlmGateway.Limits;

/// <summary>
/// Sets aside what a provider call may cost, by its target's price, before it is made. A target without a price costs nothing that could be
/// set aside: its calls are recorded as unpriced.
/// </summary>
internal sealed class CallBudget(Budgets budgets, GatewayMetrics metrics, TimeProvider time, UsageJournal? journal = null) : ICallBudget
{
    public ValueTask<CallPermit> ReserveAsync(GatewayRequest request, ProviderTarget target, AttemptRole role, CancellationToken cancellationToken)
    {
        if (MicroUsd.BudgetOf(request.Key) is not { } budget)
        {
            return new(CallPermit.Free);
        }

        if (journal is { IsFull: true })
        {
            // What is spent now would be recorded nowhere.
            metrics.DegradedDecision("database");
            return new(new CallPermit(null, LimitErrors.NoJournal));
        }

        // What is passed on unread is priced when its answer has named the model.
        var price = target.ModelConfig?.Price;
        return price is null && request.Operation != Operation.Passthrough
            ? new(CallPermit.Free)
            : ReserveAsync(request, budget, price?.CostOf(CallEstimate.Of(request, target)) ?? 0, cancellationToken);
    }

    private async ValueTask<CallPermit> ReserveAsync(GatewayRequest request, long budget, long amount, CancellationToken cancellationToken)
    {
        var place = budgets.PlaceOf(request.Key, UniqueIds.TimeOf(request.Tally.RecordId))!;
        return Permit(await budgets.HoldAsync(place, budget, amount, cancellationToken), request.Key, place, amount);
    }

    private CallPermit Permit((BudgetReading Reading, ICallHold? Hold) held, ClientKey key, BudgetPlace place, long amount)
    {
        switch (held.Reading.Verdict)
        {
            case BudgetVerdict.Fits:
                return new CallPermit(held.Hold, null);
            case BudgetVerdict.TooMuch:
                metrics.RateLimited(LimitNames.Budget);
                return new CallPermit(null, LimitErrors.Budget(key, place.Period, held.Reading, amount, time.GetUtcNow()));
            default:
                return new CallPermit(null, LimitErrors.NoStore);
        }
    }
}
