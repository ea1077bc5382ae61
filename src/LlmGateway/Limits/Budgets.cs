using LlmGateway.Model;
using LlmGateway.Telemetry;

namespace LlmGateway.Limits;

/// <summary>
/// Budgets of keys, wherever they are kept: in this process; with Redis, there, and while it is away, and a moment longer, in the database. They are hard: where
/// nobody can be asked, nothing is spent.
/// </summary>
internal sealed class Budgets(BudgetPlaces places, LocalBudgets local, SharedBudgets shared, StoredBudgets stored, SharedLimits redis, GatewayMetrics metrics)
{
    /// <summary>The budget that a request of this key belongs to; null: it has none.</summary>
    public BudgetPlace? PlaceOf(ClientKey key, DateTimeOffset arrived) => key.BudgetUsd is null ? null : places.Of(key, arrived);

    /// <summary>Whether anything is left, as far as this can be told without asking over the network.</summary>
    public ValueTask<BudgetReading> LookAsync(BudgetPlace place, long budget, CancellationToken cancellationToken) =>
        redis.IsConfigured ? new(new BudgetReading(BudgetVerdict.Fits, 0, 0)) : local.LookAsync(place, budget, cancellationToken);

    public ValueTask<(BudgetReading Reading, ICallHold? Hold)> HoldAsync(BudgetPlace place, long budget, long amount, CancellationToken cancellationToken) =>
        redis.IsConfigured ? HoldSharedAsync(place, budget, amount, cancellationToken) : local.HoldAsync(place, budget, amount, cancellationToken);

    private async ValueTask<(BudgetReading Reading, ICallHold? Hold)> HoldSharedAsync(BudgetPlace place, long budget, long amount, CancellationToken cancellationToken)
    {
        // Of a Redis that is back only just, some do not know yet: what they set aside stands in the database.
        var isSettling = redis.IsUp && redis.IsSettling && stored.IsConfigured;
        if (redis.IsUp && !isSettling)
        {
            var held = await shared.HoldAsync(place, budget, amount, cancellationToken);
            if (held.Reading.Verdict != BudgetVerdict.Unknown)
            {
                return held;
            }
        }

        if (!isSettling)
        {
            metrics.DegradedDecision("redis");
        }

        var reply = await stored.HoldAsync(place, budget, amount, cancellationToken);
        if (reply.Reading.Verdict != BudgetVerdict.Unknown)
        {
            return reply;
        }

        metrics.DegradedDecision("database");
        return isSettling ? await shared.HoldAsync(place, budget, amount, cancellationToken) : reply;
    }
}
