using System.Globalization;

namespace LlmGateway.Limits;

/// <summary>One span of time that a budget is for, by UTC; a request belongs to the one in which it came.</summary>
/// <param name="Start">Its first moment; the least date for a budget that is never filled up again.</param>
/// <param name="End">The first moment of the next; null: it never ends.</param>
internal readonly record struct BudgetPeriod(DateTimeOffset Start, DateTimeOffset? End)
{
    public const string Day = "day";
    public const string Week = "week";
    public const string Month = "month";

    /// <param name="name">As the keys file names it; null: for ever.</param>
    /// <param name="time">When the request came.</param>
    public static BudgetPeriod Of(string? name, DateTimeOffset time)
    {
        var utc = time.UtcDateTime;
        var day = new DateTimeOffset(utc.Date, TimeSpan.Zero);
        switch (name)
        {
            case Day:
                return new(day, day.AddDays(1));
            case Week:
                // ISO 8601: weeks begin on Monday.
                var monday = day.AddDays(-(((int)utc.DayOfWeek + 6) % 7));
                return new(monday, monday.AddDays(7));
            case Month:
                var first = new DateTimeOffset(utc.Year, utc.Month, 1, 0, 0, 0, TimeSpan.Zero);
                return new(first, first.AddMonths(1));
            default:
                return new(DateTimeOffset.UnixEpoch, null);
        }
    }

    /// <summary>Names the period in stores: its kind and its first day.</summary>
    public string Id => End is { } end
        ? string.Create(CultureInfo.InvariantCulture, $"{(int)(end - Start).TotalDays}d{Start:yyyyMMdd}")
        : "all";
}
