using System.Data.Common;
using LlmGateway.Database;

namespace LlmGateway.Access;

/// <summary>The keys that the gateway made, in the database.</summary>
internal sealed class MintedKeyTable(IDatabase database)
{
    /// <summary>Differs whenever the table does.</summary>
    public Task<(long Count, long Newest)> StampAsync(CancellationToken cancellationToken) => database.RunAsync(
        static connection =>
        {
            using var command = Command(connection, "SELECT COUNT(*), COALESCE(MAX(created_us), 0) FROM client_keys");
            using var reader = command.ExecuteReader();
            reader.Read();
            return (reader.GetInt64(0), reader.GetInt64(1));
        },
        cancellationToken);

    public Task<IReadOnlyList<(string Sha256, string Definition, long CreatedMicroseconds)>> ReadAsync(CancellationToken cancellationToken) => database.RunAsync(
        static connection =>
        {
            using var command = Command(connection, "SELECT sha256, definition, created_us FROM client_keys ORDER BY created_us");
            using var reader = command.ExecuteReader();
            var rows = new List<(string, string, long)>();
            while (reader.Read())
            {
                rows.Add((reader.GetString(0), reader.GetString(1), reader.GetInt64(2)));
            }

            return (IReadOnlyList<(string, string, long)>)rows;
        },
        cancellationToken);

    public Task<int> AddAsync(string sha256, string name, string definition, long createdMicroseconds, CancellationToken cancellationToken) => database.RunAsync(
        connection =>
        {
            using var command = Command(
                connection,
                "INSERT INTO client_keys (sha256, name, definition, created_us) VALUES (@sha256, @name, @definition, @created)",
                ("@sha256", sha256),
                ("@name", name),
                ("@definition", definition),
                ("@created", createdMicroseconds));
            return command.ExecuteNonQuery();
        },
        cancellationToken);

    /// <summary>Removes all keys of that name; answers how many there were.</summary>
    public Task<int> RemoveAsync(string name, CancellationToken cancellationToken) => database.RunAsync(
        connection =>
        {
            using var command = Command(connection, "DELETE FROM client_keys WHERE name = @name", ("@name", name));
            return command.ExecuteNonQuery();
        },
        cancellationToken);

    private static DbCommand Command(DbConnection connection, string sql, params ReadOnlySpan<(string Name, object Value)> parameters)
    {
        var command = connection.CreateCommand();
#pragma warning disable CA2100 // Constants of this file.
        command.CommandText = sql;
#pragma warning restore CA2100
        foreach (var (name, value) in parameters)
        {
            command.Add(name, value);
        }

        return command;
    }
}
