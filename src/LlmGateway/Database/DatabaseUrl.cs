using System.Globalization;
using Npgsql;

namespace LlmGateway.Database;

/// <summary><c>DATABASE_URL</c>, understood: <c>sqlite:PATH</c>, or <c>postgres://user:password@host[:port]/database?sslmode=…</c>. It holds a password and is never printed.</summary>
internal sealed class DatabaseUrl
{
    public const string Default = "sqlite:data/gateway.db";

    private const string SqliteScheme = "sqlite:";

    private static readonly string[] PostgreSqlSchemes = ["postgres://", "postgresql://"];

    private DatabaseUrl(DatabaseKind kind, string value) => (Kind, Value) = (kind, value);

    public DatabaseKind Kind { get; }

    /// <summary>SQLite: full path of the file. PostgreSQL: what Npgsql connects with.</summary>
    public string Value { get; }

    /// <summary>Reads the URL, or says in a start-up message what is wrong with it. The message never repeats the value, which may hold a password.</summary>
    public static bool TryParse(string value, string workingDirectory, out DatabaseUrl? url, out string? problem)
    {
        ArgumentNullException.ThrowIfNull(value);
        if (PostgreSqlSchemes.FirstOrDefault(scheme => value.StartsWith(scheme, StringComparison.OrdinalIgnoreCase)) is { } found)
        {
            problem = ReadPostgreSql("postgres://" + value[found.Length..], out var connection);
            url = problem is null ? new(DatabaseKind.PostgreSql, connection!) : null;
            return problem is null;
        }

        problem = ReadSqlite(value, workingDirectory, out var path);
        url = problem is null ? new(DatabaseKind.Sqlite, path!) : null;
        return problem is null;
    }

    public override string ToString() => Kind.ToString();

    private static string? ReadSqlite(string value, string workingDirectory, out string? path)
    {
        path = null;
        if (!value.StartsWith(SqliteScheme, StringComparison.OrdinalIgnoreCase))
        {
            return $"DATABASE_URL: must start with sqlite: (for example {Default}) or postgres://";
        }

        // sqlite:data/x.db and sqlite:/var/x.db, and the forms with slashes that other tools write: sqlite:///var/x.db.
        var rest = value[SqliteScheme.Length..];
        rest = rest.StartsWith("//", StringComparison.Ordinal) ? rest[2..] : rest;
        if (rest.Length == 0 || rest.Contains('\0', StringComparison.Ordinal) || rest.EndsWith('/') || rest.Contains(":memory:", StringComparison.Ordinal))
        {
            return $"DATABASE_URL: sqlite: needs the path of a file (for example {Default})";
        }

        path = Path.GetFullPath(rest, workingDirectory);
        return null;
    }

    private static string? ReadPostgreSql(string value, out string? connection)
    {
        const string Form = "DATABASE_URL: must be postgres://user:password@host[:port]/database?sslmode=…, with what is special in user and password percent-encoded (or sqlite:FILE)";
        connection = null;
        if (!Uri.TryCreate(value, UriKind.Absolute, out var uri))
        {
            return Form;
        }

        var colon = uri.UserInfo.IndexOf(':', StringComparison.Ordinal);
        var settings = new NpgsqlConnectionStringBuilder
        {
            Host = uri.Host.Length == 0 ? null : uri.IdnHost.Trim('[', ']'),
            Port = uri.Port > 0 ? uri.Port : NpgsqlConnection.DefaultPort,
            Username = NullIfEmpty(Uri.UnescapeDataString(colon < 0 ? uri.UserInfo : uri.UserInfo[..colon])),
            Password = colon < 0 ? null : Uri.UnescapeDataString(uri.UserInfo[(colon + 1)..]),
            Database = NullIfEmpty(Uri.UnescapeDataString(uri.AbsolutePath.Trim('/'))),
        };
        foreach (var option in uri.Query.TrimStart('?').Split('&', StringSplitOptions.RemoveEmptyEntries))
        {
            var equals = option.IndexOf('=', StringComparison.Ordinal);
            var name = equals < 0 ? option : option[..equals];
            if (!TrySet(settings, name, Uri.UnescapeDataString(option[(equals + 1)..])))
            {
                return $"DATABASE_URL: the option \"{name}\" is not known or its value is not; known are sslmode (disable, allow, prefer, require, verify-ca, verify-full), sslrootcert, host, application_name";
            }
        }

        if (settings.Host is null || settings.Database is null || settings.Username is null)
        {
            return Form;
        }

        connection = settings.ToString();
        return null;
    }

    private static bool TrySet(NpgsqlConnectionStringBuilder settings, string name, string value)
    {
        switch (name)
        {
            case "sslmode" when Enum.TryParse<SslMode>(value.Replace("-", "", StringComparison.Ordinal), ignoreCase: true, out var mode) && !int.TryParse(value, CultureInfo.InvariantCulture, out _):
                settings.SslMode = mode;
                return true;
            case "sslrootcert":
                settings.RootCertificate = value;
                return true;
            case "host" when value.Length > 0:
                // The folder of a Unix socket cannot stand where a host does.
                settings.Host = value;
                return true;
            case "application_name":
                settings.ApplicationName = value;
                return true;
            default:
                return false;
        }
    }

    private static string? NullIfEmpty(string text) => text.Length == 0 ? null : text;
}
