using LlmGateway.Model;
using LlmGateway.Redis;
using StackExchange.Redis;

namespace LlmGateway.Limits;

/// <summary>Budgets of all instances together, kept in Redis. What Redis does not know (it is new, or has forgotten) is filled in from the ledger.</summary>
internal sealed class SharedBudgets(RedisStore redis, SharedLeases leases, SharedSettlements settlements, SpendHistory history) : IBudgetStore
{
    /// <summary>Kept so long after the last call, which a month's budget must outlast.</summary>
    private const long LifeMilliseconds = 40L * 24 * 60 * 60 * 1000;

    private const long Held = 0;
    private const long Forgotten = 2;

    public async ValueTask<(BudgetReading Reading, ICallHold? Hold)> HoldAsync(BudgetPlace place, long budget, long amount, CancellationToken cancellationToken)
    {
        var lease = leases.Begin(place.RedisKeys[1]);

        // What is set aside in the database, by calls that began while Redis was away, is not to be had here either.
        budget -= place.StoredSetAside;
        var values = await AskAsync(place, budget, amount, lease, "");
        if (values is [Forgotten, ..])
        {
            var known = await KnownAsync(place, cancellationToken);
            values = known is null ? null : await AskAsync(place, budget, amount, lease, known.Value);
        }

        if (values is null)
        {
            // Redis may have done it all the same, too late for anybody to hear.
            End(place, lease, 0, 0);
            return (BudgetReading.Unknown, null);
        }

        place.Learn(values[1], values[2]);
        if (values[0] == Held)
        {
            place.AddSharedSetAside(amount);
            return (new BudgetReading(BudgetVerdict.Fits, values[1], values[2]), new LeaseHold(this, place, lease, amount));
        }

        leases.Forget(lease);
        return (new BudgetReading(BudgetVerdict.TooMuch, values[1], values[2]), null);
    }

    /// <summary>Adds what was spent while nobody could set anything aside here.</summary>
    public void Add(BudgetPlace place, long cost)
    {
        if (cost > 0)
        {
            Settle(place, "", cost);
        }
    }

    private async ValueTask<long?> KnownAsync(BudgetPlace place, CancellationToken cancellationToken)
    {
        if (history.IsOlderThan(place.Period))
        {
            return place.KnownSpent ?? 0;
        }

        var recorded = await history.SpentAsync(place, cancellationToken);
        return recorded is null ? place.KnownSpent : Math.Max(recorded.Value, place.KnownSpent ?? 0);
    }

    private async ValueTask<long[]?> AskAsync(BudgetPlace place, long budget, long amount, SharedLease lease, RedisValue known)
    {
        var reply = await redis.RunAsync(LimitScripts.Hold, place.RedisKeys, [budget, amount, lease.Id, LimitScripts.LeaseMilliseconds, LifeMilliseconds, known]);
        return reply.IsAnswered ? (long[])reply.Value! : null;
    }

    private void Settle(BudgetPlace place, string lease, long cost) => settlements.Add(new SharedSettlement(LimitScripts.Settle, place.RedisKeys, [lease, cost], spent =>
    {
        if (spent >= 0)
        {
            place.LearnSpent(spent);
        }
    }));

    private void End(BudgetPlace place, SharedLease lease, long held, long cost)
    {
        place.AddSharedSetAside(-held);
        leases.Forget(lease);
        Settle(place, lease.Id, cost);
    }

    private sealed class LeaseHold(SharedBudgets budgets, BudgetPlace place, SharedLease lease, long held) : ICallHold
    {
        public void End(AttemptTally call) => budgets.End(place, lease, held, CallCost.Of(call));
    }
}
