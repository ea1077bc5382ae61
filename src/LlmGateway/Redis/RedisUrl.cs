using System.Globalization;
using System.Net;
using StackExchange.Redis;

namespace LlmGateway.Redis;

/// <summary><c>REDIS_URL</c>, understood: <c>redis://[:password@]host[:port][/db]</c>, <c>rediss://…</c> for TLS, or a list of hosts with commas.</summary>
internal static class RedisUrl
{
    private const int DefaultPort = 6379;

    /// <summary>Reads the URL, or says what is wrong with it without repeating it: it may hold a password.</summary>
    public static bool TryParse(string value, out ConfigurationOptions? options, out string? problem)
    {
        options = null;
        problem = "must be redis://[:password@]host[:port][/database], rediss://… or a list of hosts";
        var rest = value.Trim();
        var isTls = rest.StartsWith("rediss://", StringComparison.OrdinalIgnoreCase);
        var hasScheme = isTls || rest.StartsWith("redis://", StringComparison.OrdinalIgnoreCase);
        if (!hasScheme && rest.Contains("://", StringComparison.Ordinal))
        {
            return false;
        }

        rest = hasScheme ? rest[(rest.IndexOf("://", StringComparison.Ordinal) + 3)..] : rest;
        string? password = null;
        var at = rest.LastIndexOf('@');
        if (at >= 0)
        {
            var credentials = rest[..at];
            rest = rest[(at + 1)..];
            var colon = credentials.IndexOf(':', StringComparison.Ordinal);
            var user = colon < 0 ? "" : credentials[..colon];
            if (user.Length > 0 && user != "default")
            {
                problem = "names a user; users of Redis' access control lists are not supported, only the default user's password is";
                return false;
            }

            password = Uri.UnescapeDataString(credentials[(colon + 1)..]);
        }

        var database = 0;
        var slash = rest.IndexOf('/', StringComparison.Ordinal);
        if (slash >= 0)
        {
            var number = rest[(slash + 1)..];
            if (number.Length > 0 && !int.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out database))
            {
                problem = "has a database that is no number";
                return false;
            }

            rest = rest[..slash];
        }

        var parsed = new ConfigurationOptions { Password = password, Ssl = isTls, DefaultDatabase = database };
        foreach (var host in rest.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            if (!TryReadHost(host, out var name, out var port))
            {
                return false;
            }

            parsed.EndPoints.Add(name, port);
        }

        if (parsed.EndPoints.Count == 0)
        {
            return false;
        }

        (options, problem) = (parsed, null);
        return true;
    }

    private static bool TryReadHost(string text, out string name, out int port)
    {
        (name, port) = (text, DefaultPort);
        var end = text.StartsWith('[') ? text.IndexOf(']', StringComparison.Ordinal) + 1 : 0;
        var colon = text.IndexOf(':', Math.Max(end, 0));
        if (colon >= 0)
        {
            name = text[..colon];
            if (!int.TryParse(text[(colon + 1)..], NumberStyles.None, CultureInfo.InvariantCulture, out port) || port is 0 or > IPEndPoint.MaxPort)
            {
                return false;
            }
        }

        name = name.Trim('[', ']');
        return Uri.CheckHostName(name) != UriHostNameType.Unknown;
    }
}
