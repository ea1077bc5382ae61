using LlmGateway.Model;
using LlmGateway.Redis;
using StackExchange.Redis;

namespace LlmGateway.Limits;

/// <summary>
/// Budgets of all instances together, kept in Redis. What Redis does not know (it is new, or has forgotten) is filled in: what was spent from
/// the ledger, what is set aside by each instance that has done so.
/// </summary>
internal sealed class SharedBudgets(RedisStore redis, SharedLeases leases, SharedSettlements settlements, SpendHistory history) : IBudgetStore
{
    private const long Held = 0;
    private const long Forgotten = 2;

    public async ValueTask<(BudgetReading Reading, ICallHold? Hold)> HoldAsync(BudgetPlace place, long budget, long amount, CancellationToken cancellationToken)
    {
        var lease = leases.Begin(place.RedisKeys[1]);
        var reading = await HoldAsync(place, budget, amount, lease, cancellationToken);
        switch (reading.Verdict)
        {
            case BudgetVerdict.Fits:
                place.Learn(reading.Spent, Math.Max(0, reading.SetAside - place.StoredSetAside));
                place.AddSharedSetAside(amount);
                leases.Note(lease, place.RedisKeys, amount);
                return (reading, new LeaseHold(this, place, lease, amount));
            case BudgetVerdict.TooMuch:
                place.Learn(reading.Spent, Math.Max(0, reading.SetAside - place.StoredSetAside));
                leases.Forget(lease);
                return (reading, null);
            default:
                // Redis may have done it all the same, too late for anybody to hear.
                End(place, lease, 0, 0);
                return (reading, null);
        }
    }

    /// <summary>Begins what <see cref="JoinAsync"/> and <see cref="EndStored"/> go on with: an amount that is set aside in the database, and that Redis is told of when it is back.</summary>
    public SharedLease Begin(BudgetPlace place, long amount)
    {
        var lease = leases.Begin(place.RedisKeys[1]);
        leases.Note(lease, place.RedisKeys, amount);
        return lease;
    }

    /// <summary>Sets aside here too what is set aside in the database.</summary>
    public ValueTask<BudgetReading> JoinAsync(BudgetPlace place, long budget, long amount, SharedLease lease, CancellationToken cancellationToken) =>
        redis.IsUp ? HoldAsync(place, budget, amount, lease, cancellationToken) : new(BudgetReading.Unknown);

    /// <summary>Tells what a call has cost for which something was set aside in the database, once the database knows.</summary>
    /// <param name="place">Which budget.</param>
    /// <param name="lease">From <see cref="Begin"/>.</param>
    /// <param name="cost">Micro-dollars.</param>
    /// <param name="ended">When it ended, in Unix milliseconds.</param>
    public void EndStored(BudgetPlace place, SharedLease lease, long cost, long ended)
    {
        leases.Forget(lease);
        Settle(place, lease, cost, ended);
    }

    private async ValueTask<BudgetReading> HoldAsync(BudgetPlace place, long budget, long amount, SharedLease lease, CancellationToken cancellationToken)
    {
        var values = await AskAsync(place, budget, amount, lease, "");
        if (values is [Forgotten, ..])
        {
            var known = await KnownAsync(place, cancellationToken);
            values = known is null ? null : await AskAsync(place, budget, amount, lease, known.Value);
        }

        return values is null ? BudgetReading.Unknown : new BudgetReading(values[0] == Held ? BudgetVerdict.Fits : BudgetVerdict.TooMuch, values[1], values[2]);
    }

    /// <summary>What the ledger says, for another instance may have spent it; where nobody can be asked, what this process has seen.</summary>
    private async ValueTask<long?> KnownAsync(BudgetPlace place, CancellationToken cancellationToken)
    {
        var recorded = await history.SpentAsync(place, cancellationToken) ?? (history.IsOlderThan(place.Period) ? 0 : null);
        return recorded is null ? place.KnownSpent : Math.Max(recorded.Value, place.KnownSpent ?? 0);
    }

    private async ValueTask<long[]?> AskAsync(BudgetPlace place, long budget, long amount, SharedLease lease, RedisValue known)
    {
        var reply = await redis.RunAsync(LimitScripts.Hold, place.RedisKeys, [budget, amount, lease.Id, LimitScripts.LeaseMilliseconds, LimitScripts.BudgetMilliseconds, known]);
        return reply.IsAnswered ? (long[])reply.Value! : null;
    }

    private void Settle(BudgetPlace place, SharedLease lease, long cost, RedisValue ended) => settlements.Add(new SharedSettlement(LimitScripts.Settle, place.RedisKeys, [lease.Id, cost, ended], spent =>
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
        Settle(place, lease, cost, "");
    }

    private sealed class LeaseHold(SharedBudgets budgets, BudgetPlace place, SharedLease lease, long held) : ICallHold
    {
        public void End(AttemptTally call) => budgets.End(place, lease, held, CallCost.Of(call));
    }
}
