using System.Globalization;
using LlmGateway.Model;

namespace LlmGateway.Admin;

/// <summary>Reads query parameters of administration: a value that makes no sense is a 400 that names it.</summary>
internal static class AdminQuery
{
    private const DateTimeStyles Utc = DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal;

    private static readonly string[] Times = ["yyyy-MM-ddTHH:mm", "yyyy-MM-ddTHH:mm:ss", "yyyy-MM-ddTHH:mm:ss.FFFFFFF", "yyyy-MM-ddTHH:mmK", "yyyy-MM-ddTHH:mm:ssK", "yyyy-MM-ddTHH:mm:ss.FFFFFFFK"];

    /// <summary>A positive number, cut to the largest that is answered.</summary>
    public static GatewayError? ReadLimit(IQueryCollection query, string name, int usual, int most, out int limit)
    {
        limit = usual;
        if (!query.TryGetValue(name, out var values))
        {
            return null;
        }

        if (!long.TryParse(values, NumberStyles.None, CultureInfo.InvariantCulture, out var number) || number < 1)
        {
            return GatewayError.InvalidValue(name, $"'{name}' must be a whole number from 1 on; more than {most} are never answered at once.");
        }

        limit = (int)Math.Min(number, most);
        return null;
    }

    /// <summary>A record's id.</summary>
    public static GatewayError? ReadId(IQueryCollection query, string name, out Guid? id)
    {
        id = null;
        if (!query.TryGetValue(name, out var values))
        {
            return null;
        }

        if (!Guid.TryParseExact(values, "D", out var found))
        {
            return GatewayError.InvalidValue(name, $"'{name}' must be the id of a record, as a list of records tells it.");
        }

        id = found;
        return null;
    }

    /// <summary>A day or a moment in ISO 8601, UTC where it says no zone. A day stands for its beginning, or where a span ends with it, for its end.</summary>
    public static GatewayError? ReadTime(IQueryCollection query, string name, bool isEnd, ref DateTimeOffset time)
    {
        if (!query.TryGetValue(name, out var values))
        {
            return null;
        }

        if (DateOnly.TryParseExact(values, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out var day) && day.Year is >= 1970 and < 9999)
        {
            time = new DateTimeOffset(day.AddDays(isEnd ? 1 : 0), default, TimeSpan.Zero);
            return null;
        }

        // A plus sign that was not encoded arrives as a space.
        if (DateTimeOffset.TryParseExact(values.ToString().Replace(' ', '+'), Times, CultureInfo.InvariantCulture, Utc, out var moment) && moment.Year is >= 1970 and < 9999)
        {
            time = moment;
            return null;
        }

        return GatewayError.InvalidValue(name, $"'{name}' must be a day or a moment such as 2026-01-31 or 2026-01-31T12:00:00Z.");
    }

    /// <summary>One of the names.</summary>
    public static GatewayError? ReadName<T>(IQueryCollection query, string name, ref T value)
        where T : struct, Enum
    {
        if (!query.TryGetValue(name, out var values))
        {
            return null;
        }

        foreach (var known in Enum.GetValues<T>())
        {
            if (string.Equals(known.ToString(), values, StringComparison.OrdinalIgnoreCase))
            {
                value = known;
                return null;
            }
        }

        return GatewayError.InvalidValue(name, $"'{name}' must be one of {string.Join(", ", Enum.GetNames<T>()).ToLowerInvariant()}.");
    }
}
