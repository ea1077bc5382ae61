using System.Data.Common;
using System.Globalization;

namespace LlmGateway.Database;

/// <summary>
/// Brings the tables of all parts up to date, in one transaction under a lock: an update that is interrupted has not happened, and of two
/// gateways that start together one makes the tables.
/// </summary>
internal static class DatabaseSchemas
{
    /// <exception cref="DatabaseSchemaException">Some part's tables are newer than this program.</exception>
    public static void Apply(DbConnection connection, IDatabaseConnector connector, IEnumerable<IDatabaseSchema> schemas)
    {
        using var transaction = connector.BeginSchemaChange(connection);
        Execute(transaction, "CREATE TABLE IF NOT EXISTS schema_versions (component TEXT NOT NULL PRIMARY KEY, version INTEGER NOT NULL)");
        foreach (var schema in schemas.OrderBy(schema => schema.Name, StringComparer.Ordinal))
        {
            Apply(transaction, schema.Name, schema.Scripts(connector.Kind));
        }

        transaction.Commit();
    }

    private static void Apply(DbTransaction transaction, string name, IReadOnlyList<string> scripts)
    {
        var found = FoundVersion(transaction, name);
        if (found > scripts.Count)
        {
            throw new DatabaseSchemaException(string.Create(
                CultureInfo.InvariantCulture,
                $"the database was written by a newer version of LlmGateway (schema of {name}: {found}, this version knows {scripts.Count}): use that version, or another DATABASE_URL"));
        }

        for (var version = found; version < scripts.Count; version++)
        {
            Execute(transaction, scripts[version]);
        }

        if (found < scripts.Count)
        {
            Execute(
                transaction,
                "INSERT INTO schema_versions (component, version) VALUES (@name, @version) ON CONFLICT (component) DO UPDATE SET version = excluded.version",
                ("@name", name),
                ("@version", scripts.Count));
        }
    }

    private static int FoundVersion(DbTransaction transaction, string name)
    {
        using var command = Command(transaction, "SELECT version FROM schema_versions WHERE component = @name", ("@name", name));
        return command.ExecuteScalar() is { } version ? Convert.ToInt32(version, CultureInfo.InvariantCulture) : 0;
    }

    private static void Execute(DbTransaction transaction, string sql, params (string Name, object Value)[] parameters)
    {
        using var command = Command(transaction, sql, parameters);
        command.ExecuteNonQuery();
    }

    private static DbCommand Command(DbTransaction transaction, string sql, params (string Name, object Value)[] parameters)
    {
        var command = transaction.Connection!.CreateCommand();
        command.Transaction = transaction;
#pragma warning disable CA2100 // Constants of this program.
        command.CommandText = sql;
#pragma warning restore CA2100
        foreach (var (name, value) in parameters)
        {
            command.Add(name, value);
        }

        return command;
    }
}
