using System.Data.Common;
using System.Globalization;
using System.Threading.Channels;
using LlmGateway.Database;
using LlmGateway.Model;

namespace LlmGateway.Limits;

/// <summary>
/// Budgets in the database, for the time that Redis is away and until every instance knows that it is back: slower, but no instance can spend
/// what another has. What is set aside and spent here is told to Redis as well, which hears it when it is back; then both have to agree.
/// </summary>
internal sealed class StoredBudgets(SharedBudgets shared, SpendHistory history, TimeProvider time, IDatabase? database = null) : BackgroundService, IBudgetStore
{
    /// <summary>Longer than any request may take; a hold that is older belongs to an instance that died.</summary>
    private static readonly TimeSpan HoldLife = TimeSpan.FromMinutes(30);

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan WhileDown = TimeSpan.FromMilliseconds(200);

    private readonly Channel<EndedCall> _ended = Channel.CreateUnbounded<EndedCall>(new UnboundedChannelOptions { SingleReader = true });

    public bool IsConfigured => database is not null;

    public async ValueTask<(BudgetReading Reading, ICallHold? Hold)> HoldAsync(BudgetPlace place, long budget, long amount, CancellationToken cancellationToken)
    {
        if (database is null)
        {
            return (BudgetReading.Unknown, null);
        }

        try
        {
            var known = place.KnownSpent ?? await history.SpentAsync(place, cancellationToken);
            if (known is null)
            {
                return (BudgetReading.Unknown, null);
            }

            place.LearnSpent(known.Value);
            var id = UniqueIds.NewVersion4().ToString("n");
            var now = time.GetUtcNow().ToUnixTimeMilliseconds();
            var atLeast = Math.Max(known.Value, place.KnownTaken);
            var reading = await database
                .RunAsync(connection => Hold(connection, database.Kind, place, id, budget, amount, atLeast, now), cancellationToken)
                .WaitAsync(Patience, time, cancellationToken);
            if (reading.Verdict != BudgetVerdict.Fits)
            {
                return (reading, null);
            }

            place.AddStoredSetAside(amount);
            var hold = new StoredHold(this, place, id, shared.Begin(place, amount), amount);
            var joined = await shared.JoinAsync(place, budget, amount, hold.Lease, cancellationToken);
            if (joined.Verdict == BudgetVerdict.TooMuch)
            {
                hold.End(0);
                return (joined, null);
            }

            return (reading, hold);
        }
        catch (Exception exception) when (exception is DatabaseUnavailableException or TimeoutException)
        {
            return (BudgetReading.Unknown, null);
        }
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        try
        {
            await foreach (var call in _ended.Reader.ReadAllAsync(stoppingToken))
            {
                while (!await TrySettleAsync(call.Place, call.Id, call.Cost))
                {
                    await Task.Delay(WhileDown, time, stoppingToken);
                }

                // Not before: what Redis says is spent the database takes for spent too.
                shared.EndStored(call.Place, call.Lease, call.Cost, call.Ended);
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The host stops; what is left lapses as spent.
        }
    }

    private static BudgetReading Hold(DbConnection connection, DatabaseKind kind, BudgetPlace place, string id, long budget, long amount, long atLeast, long now)
    {
        using var transaction = connection.BeginTransaction();
        var greater = kind == DatabaseKind.Sqlite ? "MAX" : "GREATEST";

        // Writing first locks the row: of two instances the second sees what the first has set aside.
        Execute(
            transaction,
            $"""
            INSERT INTO budget_spend (key_name, period, spent_micro_usd) VALUES (@key, @period, @amount)
            ON CONFLICT (key_name, period) DO UPDATE SET spent_micro_usd = {greater}(budget_spend.spent_micro_usd, excluded.spent_micro_usd)
            """,
            place,
            ("@amount", atLeast));
        var lapsed = Execute(
            transaction,
            "SELECT COALESCE(SUM(amount_micro_usd), 0) FROM budget_holds WHERE key_name = @key AND period = @period AND lapses_ms <= @now",
            place,
            ("@now", now));
        if (lapsed > 0)
        {
            Execute(transaction, "DELETE FROM budget_holds WHERE key_name = @key AND period = @period AND lapses_ms <= @now", place, ("@now", now));
            Execute(transaction, "UPDATE budget_spend SET spent_micro_usd = spent_micro_usd + @amount WHERE key_name = @key AND period = @period", place, ("@amount", lapsed));
        }

        var spent = Execute(transaction, "SELECT spent_micro_usd FROM budget_spend WHERE key_name = @key AND period = @period", place);
        var open = Execute(transaction, "SELECT COALESCE(SUM(amount_micro_usd), 0) FROM budget_holds WHERE key_name = @key AND period = @period", place);
        var fits = spent + open + amount <= budget;
        if (fits)
        {
            Execute(
                transaction,
                "INSERT INTO budget_holds (id, key_name, period, amount_micro_usd, lapses_ms) VALUES (@id, @key, @period, @amount, @now)",
                place,
                ("@id", id),
                ("@amount", amount),
                ("@now", now + (long)HoldLife.TotalMilliseconds));
        }

        transaction.Commit();
        return new BudgetReading(fits ? BudgetVerdict.Fits : BudgetVerdict.TooMuch, spent, open + (fits ? amount : 0));
    }

    private static long Settle(DbConnection connection, BudgetPlace place, string id, long cost)
    {
        using var transaction = connection.BeginTransaction();
        Execute(transaction, "UPDATE budget_spend SET spent_micro_usd = spent_micro_usd + @amount WHERE key_name = @key AND period = @period", place, ("@amount", cost));
        Execute(transaction, "DELETE FROM budget_holds WHERE id = @id", place, ("@id", id));
        transaction.Commit();
        return cost;
    }

    private static long Execute(DbTransaction transaction, string sql, BudgetPlace place, params ReadOnlySpan<(string Name, object Value)> parameters)
    {
        using var command = transaction.Connection!.CreateCommand();
        command.Transaction = transaction;
#pragma warning disable CA2100 // Constants of this file.
        command.CommandText = sql;
#pragma warning restore CA2100
        foreach (var (name, value) in (ReadOnlySpan<(string, object)>)[("@key", place.KeyName), ("@period", place.Period.Id), .. parameters])
        {
            command.Add(name, value);
        }

        return command.ExecuteScalar() is { } value2 and not DBNull ? Convert.ToInt64(value2, CultureInfo.InvariantCulture) : 0;
    }

    private async Task<bool> TrySettleAsync(BudgetPlace place, string id, long cost)
    {
        try
        {
            await database!.RunAsync(connection => Settle(connection, place, id, cost), CancellationToken.None);
            return true;
        }
        catch (DatabaseUnavailableException)
        {
            return false;
        }
    }

    private void End(BudgetPlace place, string id, SharedLease lease, long held, long cost)
    {
        place.AddStoredSetAside(-held);
        _ended.Writer.TryWrite(new EndedCall(place, id, lease, cost, time.GetUtcNow().ToUnixTimeMilliseconds()));
    }

    private sealed record EndedCall(BudgetPlace Place, string Id, SharedLease Lease, long Cost, long Ended);

    private sealed class StoredHold(StoredBudgets budgets, BudgetPlace place, string id, SharedLease lease, long held) : ICallHold
    {
        public SharedLease Lease => lease;

        public void End(AttemptTally call) => End(CallCost.Of(call));

        public void End(long cost) => budgets.End(place, id, lease, held, cost);
    }
}
