using System.Data.Common;
using System.Globalization;
using LlmGateway.Database;

namespace LlmGateway.Ownership;

/// <summary>Who owns what, in the database, where all instances see it.</summary>
internal sealed class ObjectOwnerTable(IDatabase database)
{
    /// <summary>The owners of those that are known.</summary>
    /// <exception cref="DatabaseUnavailableException">It cannot be asked now.</exception>
    public Task<Dictionary<string, string>> FindAsync(IReadOnlyCollection<string> hashes, CancellationToken cancellationToken) =>
        database.RunAsync(connection => Find(connection, null, hashes), cancellationToken);

    /// <summary>Writes what is new, all of it or nothing; answers who owns each. Whoever came first stays the owner.</summary>
    /// <exception cref="DatabaseUnavailableException">Nothing was written.</exception>
    public Task<Dictionary<string, string>> AddAsync(IReadOnlyCollection<ObjectClaim> claims, long microseconds, CancellationToken cancellationToken) => database.RunAsync(
        connection =>
        {
            using var transaction = connection.BeginTransaction();
            using var command = connection.CreateCommand();
            command.Transaction = transaction;
            command.CommandText = "INSERT INTO object_owners (sha256, owner, created_us) VALUES (@sha256, @owner, @created) ON CONFLICT DO NOTHING";
            var kept = 0;
            foreach (var claim in claims)
            {
                command.Parameters.Clear();
                command.Add("@sha256", claim.Hash);
                command.Add("@owner", claim.Owner);
                command.Add("@created", microseconds);
                kept += command.ExecuteNonQuery();
            }

            var owners = kept == claims.Count ? claims.ToDictionary(claim => claim.Hash, claim => claim.Owner) : Find(connection, transaction, [.. claims.Select(claim => claim.Hash)]);
            transaction.Commit();
            return owners;
        },
        cancellationToken);

    /// <exception cref="DatabaseUnavailableException">Nothing was removed.</exception>
    public Task<int> RemoveOlderAsync(long microseconds, CancellationToken cancellationToken) => database.RunAsync(
        connection =>
        {
            using var command = connection.CreateCommand();
            command.CommandText = "DELETE FROM object_owners WHERE created_us < @before";
            command.Add("@before", microseconds);
            return command.ExecuteNonQuery();
        },
        cancellationToken);

    private static Dictionary<string, string> Find(DbConnection connection, DbTransaction? transaction, IReadOnlyCollection<string> hashes)
    {
        var owners = new Dictionary<string, string>(hashes.Count, StringComparer.Ordinal);
        foreach (var some in hashes.Chunk(200))
        {
            using var command = connection.CreateCommand();
            command.Transaction = transaction;
            for (var i = 0; i < some.Length; i++)
            {
                command.Add(string.Create(CultureInfo.InvariantCulture, $"@h{i}"), some[i]);
            }

#pragma warning disable CA2100 // Names of parameters, made of numbers.
            command.CommandText = $"SELECT sha256, owner FROM object_owners WHERE sha256 IN ({string.Join(", ", some.Select((_, i) => string.Create(CultureInfo.InvariantCulture, $"@h{i}")))})";
#pragma warning restore CA2100
            using var reader = command.ExecuteReader();
            while (reader.Read())
            {
                owners[reader.GetString(0)] = reader.GetString(1);
            }
        }

        return owners;
    }
}
