using System.Data;
using System.Data.Common;
using LlmGateway.Database;
using Microsoft.Data.Sqlite;
using Npgsql;

namespace LlmGateway.Usage;

/// <summary>The ledger in the installation's database.</summary>
internal sealed class UsageLedger(IDatabase database) : IUsageLedger
{
    /// <summary>Only the database's thread uses it.</summary>
    private SqliteUsageWriter? _writer;

    public Task WriteAsync(IReadOnlyList<RequestRecord> batch, CancellationToken cancellationToken) => database.RunAsync(
        connection =>
        {
            Write(connection, batch);
            return true;
        },
        cancellationToken);

    public Task<IReadOnlyList<RequestRecord>> LatestAsync(int limit, Guid? before, CancellationToken cancellationToken) =>
        database.RunAsync(connection => UsageReader.Latest(connection, limit, before), cancellationToken);

    public Task<IReadOnlyList<UsageSum>> SumAsync(UsageGrouping grouping, DateTimeOffset first, DateTimeOffset end, CancellationToken cancellationToken) =>
        database.RunAsync(connection => UsageSumReader.Read(connection, grouping, first, end), cancellationToken);

    private void Write(DbConnection connection, IReadOnlyList<RequestRecord> batch)
    {
        if (connection is SqliteConnection sqlite)
        {
            if (_writer?.Connection != sqlite)
            {
                // One whose connection did not end as it should.
                _writer?.Dispose();
                _writer = Prepare(sqlite);
            }

            _writer.Write(batch);
        }
        else
        {
            PostgreSqlUsageWriter.Write((NpgsqlConnection)connection, batch);
        }
    }

    /// <summary>Statements live as long as their connection: one left behind would keep the file open.</summary>
    private SqliteUsageWriter Prepare(SqliteConnection connection)
    {
        var writer = new SqliteUsageWriter(connection);
        connection.StateChange += (_, change) =>
        {
            if (change.CurrentState == ConnectionState.Closed)
            {
                _writer = null;
                writer.Dispose();
            }
        };
        return writer;
    }
}
