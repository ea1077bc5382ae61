namespace LlmGateway.Usage;

/// <summary><c>DATABASE_URL</c>, understood: <c>sqlite:PATH</c>.</summary>
/// <param name="Path">Full path of the SQLite file.</param>
public sealed record DatabaseUrl(string Path)
{
    public const string Default = "sqlite:data/gateway.db";

    private const string SqliteScheme = "sqlite:";

    /// <summary>Reads the URL, or says in a start-up message what is wrong with it. The message never repeats the value, which may hold a password.</summary>
    public static bool TryParse(string value, string workingDirectory, out DatabaseUrl? url, out string? problem)
    {
        ArgumentNullException.ThrowIfNull(value);
        url = null;
        problem = null;
        if (value.StartsWith("postgres:", StringComparison.OrdinalIgnoreCase) || value.StartsWith("postgresql:", StringComparison.OrdinalIgnoreCase))
        {
            problem = $"DATABASE_URL: PostgreSQL is not supported in this version, only SQLite is (for example {Default})";
            return false;
        }

        if (!value.StartsWith(SqliteScheme, StringComparison.OrdinalIgnoreCase))
        {
            problem = $"DATABASE_URL: must start with sqlite: (for example {Default})";
            return false;
        }

        // sqlite:data/x.db and sqlite:/var/x.db, and the forms with slashes that other tools write: sqlite:///var/x.db.
        var path = value[SqliteScheme.Length..];
        path = path.StartsWith("//", StringComparison.Ordinal) ? path[2..] : path;
        if (path.Length == 0 || path.Contains('\0', StringComparison.Ordinal) || path.EndsWith('/') || path.Contains(":memory:", StringComparison.Ordinal))
        {
            problem = $"DATABASE_URL: sqlite: needs the path of a file (for example {Default})";
            return false;
        }

        url = new(System.IO.Path.GetFullPath(path, workingDirectory));
        return true;
    }
}
