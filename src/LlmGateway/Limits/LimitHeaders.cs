using System.Globalization;

namespace LlmGateway.Limits;

/// <summary>The headers by which OpenAI's clients know their limits; only those of limits that the key has.</summary>
internal static class LimitHeaders
{
    public static void Set(IHeaderDictionary headers, in LimitReading reading)
    {
        if (reading.Limits.Requests is { } requests)
        {
            headers["x-ratelimit-limit-requests"] = Text(requests);
            headers["x-ratelimit-remaining-requests"] = Text(Math.Max(0, requests - reading.UsedRequests));
            headers["x-ratelimit-reset-requests"] = Duration(reading.ResetRequests);
        }

        if (reading.Limits.Tokens is { } tokens)
        {
            SetTokens(headers, tokens, reading);
        }
    }

    public static void SetTokens(IHeaderDictionary headers, long limit, in LimitReading reading)
    {
        headers["x-ratelimit-limit-tokens"] = Text(limit);
        headers["x-ratelimit-remaining-tokens"] = Text(Math.Max(0, limit - reading.UsedTokens));
        headers["x-ratelimit-reset-tokens"] = Duration(reading.ResetTokens);
    }

    /// <summary>As OpenAI writes it: <c>250ms</c>, <c>7.5s</c>, <c>1m0.25s</c>.</summary>
    internal static string Duration(long milliseconds)
    {
        if (milliseconds < 1000)
        {
            return string.Create(CultureInfo.InvariantCulture, $"{Math.Max(0, milliseconds)}ms");
        }

        var minutes = milliseconds / 60_000;
        var seconds = (milliseconds % 60_000) / 1000.0;
        return minutes == 0 ? string.Create(CultureInfo.InvariantCulture, $"{seconds:0.###}s") : string.Create(CultureInfo.InvariantCulture, $"{minutes}m{seconds:0.###}s");
    }

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);
}
