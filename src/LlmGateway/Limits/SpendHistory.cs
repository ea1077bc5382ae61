using System.Data.Common;
using System.Globalization;
using LlmGateway.Database;
using LlmGateway.Model;

namespace LlmGateway.Limits;

/// <summary>What the ledger says that keys have spent: what a budget begins with when nobody remembers it.</summary>
internal sealed class SpendHistory(TimeProvider time, IDatabase? database = null)
{
    private const string Sql = "SELECT COALESCE(SUM(cost_micro_usd), 0) FROM request_records WHERE id >= @first AND id < @end AND key_name = @key";

    /// <summary>After a failure the next to ask waits no longer than this one did.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    private readonly DateTimeOffset _started = time.GetUtcNow();

    /// <summary>Whether this process has been there for the whole of the period so far.</summary>
    public bool IsOlderThan(BudgetPeriod period) => period.Start > _started;

    /// <summary>Micro-dollars of all records of the period; null: the database cannot be asked.</summary>
    public async ValueTask<long?> SpentAsync(BudgetPlace place, CancellationToken cancellationToken)
    {
        if (database is null)
        {
            return 0;
        }

        try
        {
            return await database.RunAsync(connection => Sum(connection, database.Kind, place), cancellationToken).WaitAsync(Patience, time, cancellationToken);
        }
        catch (Exception exception) when (exception is DatabaseUnavailableException or TimeoutException)
        {
            return null;
        }
    }

    /// <summary>Spans of ids are spans of time, and the rows stand in the order of their ids.</summary>
    internal static long Sum(DbConnection connection, DatabaseKind kind, BudgetPlace place, DbTransaction? transaction = null)
    {
        using var command = connection.CreateCommand();
        command.Transaction = transaction;
        command.CommandText = Sql;
        command.Add("@first", Bound(kind, place.Period.Start));
        command.Add("@end", Bound(kind, place.Period.End ?? DateTimeOffset.MaxValue));
        command.Add("@key", place.KeyName);
        return Convert.ToInt64(command.ExecuteScalar(), CultureInfo.InvariantCulture);
    }

    private static object Bound(DatabaseKind kind, DateTimeOffset moment)
    {
        var id = UniqueIds.FirstOf(moment);
        return kind == DatabaseKind.Sqlite ? id.ToByteArray(bigEndian: true) : id;
    }
}
