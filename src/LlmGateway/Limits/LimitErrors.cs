using System.Globalization;
using LlmGateway.Model;

namespace LlmGateway.Limits;

/// <summary>What clients are told whom a limit stops: which one, how much it is, and when to come back, if anybody can tell.</summary>
internal static class LimitErrors
{
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(1);

    /// <summary>Waiting alone does not help, somebody must change something. Longer than clients wait of their own accord.</summary>
    private static readonly TimeSpan Later = TimeSpan.FromHours(1);

    /// <summary>A hard budget that nobody can be asked about.</summary>
    public static GatewayError NoStore { get; } = new(
        503,
        ErrorTypes.Overloaded,
        ErrorCodes.StoreUnavailable,
        "This key has a hard budget, and neither Redis nor the database can be asked what is left of it. Try again soon.",
        RetryAfter: TimeSpan.FromSeconds(2));

    /// <summary>A hard budget whose spending could not be recorded.</summary>
    public static GatewayError NoJournal { get; } = new(
        503,
        ErrorTypes.Overloaded,
        ErrorCodes.StoreUnavailable,
        "This key has a hard budget, and what it spends cannot be recorded: the database has been away so long that the journal is full. Try again later.",
        RetryAfter: TimeSpan.FromSeconds(5));

    /// <summary>A rate or the number of calls at once.</summary>
    public static GatewayError Rate(LimitReading reading)
    {
        var wait = reading.Wait is { } milliseconds ? TimeSpan.FromMilliseconds(milliseconds) : Later;
        return reading.Refused switch
        {
            LimitKind.Requests => Exceeded($"Rate limit reached for this key: {Text(reading.Limits.Requests)} requests per minute. {Again(wait)}", wait),
            LimitKind.Tokens when reading.Wait is null => Exceeded(
                $"The request is too large for this key's limit of {Text(reading.Limits.Tokens)} tokens per minute, and waiting does not change that. Send a shorter prompt.", Later),
            LimitKind.Tokens => Exceeded(
                $"Rate limit reached for this key: {Text(reading.Limits.Tokens)} tokens per minute, {Text(reading.UsedTokens)} of them used. {Again(wait)}", wait),
            _ => Exceeded($"This key may have {Text(reading.Limits.Concurrency)} requests under way at once, and has. Try again when one of them has ended.", Soon),
        };
    }

    /// <param name="key">Whose budget.</param>
    /// <param name="period">Which period's.</param>
    /// <param name="reading">What it said.</param>
    /// <param name="amount">What was to be set aside.</param>
    /// <param name="now">The time.</param>
    public static GatewayError Budget(ClientKey key, BudgetPeriod period, BudgetReading reading, long amount, DateTimeOffset now)
    {
        var budget = MicroUsd.BudgetOf(key) ?? 0;
        var name = key.BudgetPeriod is null ? "" : $" for this {key.BudgetPeriod}";
        var message = $"The budget of this key{name} does not hold this call: {MicroUsd.Text(reading.Spent)} of {MicroUsd.Text(budget)} are spent";
        if (reading.SetAside > 0 && reading.Spent < budget && reading.Spent + amount <= budget)
        {
            return Insufficient($"{message}, and {MicroUsd.Text(reading.SetAside)} are set aside for calls under way. Try again when they have ended.", Soon);
        }

        if (amount > budget)
        {
            return Insufficient($"{message}, and the call may cost {MicroUsd.Text(amount)}. Lower max_tokens, or ask for a larger budget.", Later);
        }

        return period.End is { } end
            ? Insufficient($"{message}. It is filled up at {end.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture)}.", end > now ? end - now : Soon)
            : Insufficient($"{message}. It is not filled up by itself.", Later);
    }

    private static GatewayError Exceeded(string message, TimeSpan wait) => new(429, ErrorTypes.RateLimit, ErrorCodes.RateLimitExceeded, message, RetryAfter: wait);

    private static GatewayError Insufficient(string message, TimeSpan wait) => new(429, ErrorTypes.RateLimit, ErrorCodes.InsufficientQuota, message, RetryAfter: wait);

    private static string Text(long? number) => (number ?? 0).ToString(CultureInfo.InvariantCulture);

    private static string Again(TimeSpan wait) => string.Create(CultureInfo.InvariantCulture, $"Try again in {Math.Max(1, Math.Ceiling(wait.TotalSeconds)):0} s.");
}
