using System.Data;
using System.Data.Common;
using Npgsql;

namespace LlmGateway.Database;

/// <summary>A PostgreSQL server that several instances may share; each has one connection to it.</summary>
internal sealed class PostgreSqlConnector : IDatabaseConnector
{
    private const int ConnectSeconds = 3;

    /// <summary>Seconds without a byte of an answer; a healthy server needs milliseconds.</summary>
    private const int CommandSeconds = 10;

    private const int CancelMilliseconds = 500;

    /// <summary>Any number, as long as all versions of the gateway use the same: "llm gate" in ASCII.</summary>
    private const long SchemaLock = 0x6C_6C_6D_20_67_61_74_65;

    /// <summary>Classes of SQLSTATE that say something of the server's state and nothing of the statement.</summary>
    private static readonly string[] ServerClasses = ["08", "25", "28", "3D", "40", "53", "55", "57", "58", "XX"];

    private readonly string _connection;

    /// <param name="connection">Where and as whom, in Npgsql's form.</param>
    public PostgreSqlConnector(string connection)
    {
        var settings = new NpgsqlConnectionStringBuilder(connection)
        {
            Timeout = ConnectSeconds,
            CommandTimeout = CommandSeconds,
            CancellationTimeout = CancelMilliseconds,
            Pooling = false,
            Enlist = false,
            TcpKeepAlive = true,
            GssEncryptionMode = GssEncryptionMode.Disable,
        };
        settings.ApplicationName ??= "llm-gateway";
        _connection = settings.ToString();
    }

    public DatabaseKind Kind => DatabaseKind.PostgreSql;

    public DbConnection Open()
    {
        var connection = new NpgsqlConnection(_connection);
        try
        {
            connection.Open();
            return connection;
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    public bool IsStale(DbConnection connection) => connection.State != ConnectionState.Open;

    public void Close(DbConnection connection) => connection.Dispose();

    // Of two gateways that start on one database, the second waits and finds the tables made. The lock goes with the transaction, however that ends.
    public DbTransaction BeginSchemaChange(DbConnection connection)
    {
        var transaction = connection.BeginTransaction();
        try
        {
            using var command = (NpgsqlCommand)connection.CreateCommand();
            command.Transaction = (NpgsqlTransaction)transaction;
            command.CommandText = "SELECT pg_advisory_xact_lock($1)";
            command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = SchemaLock });
            command.ExecuteNonQuery();
            return transaction;
        }
        catch
        {
            transaction.Dispose();
            throw;
        }
    }

    public DatabaseTrouble? Explain(Exception exception) => exception switch
    {
        PostgresException server when ServerClasses.Contains(server.SqlState[..2]) => new($"{server.MessageText} ({server.SqlState})", KeepsConnection: false),
        PostgresException => null,
        NpgsqlException { InnerException: { } inner } => new(inner is TimeoutException ? "it does not answer in time" : inner.Message, KeepsConnection: false),
        NpgsqlException or TimeoutException or IOException or System.Net.Sockets.SocketException or ObjectDisposedException => new(exception.Message, KeepsConnection: false),
        _ => null,
    };
}
