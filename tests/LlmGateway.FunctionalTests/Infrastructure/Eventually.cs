using System.Diagnostics;

namespace LlmGateway.FunctionalTests.Infrastructure;

/// <summary>Waits for a condition that nothing signals, with a limit that only a failing test ever reaches.</summary>
internal static class Eventually
{
    public static readonly TimeSpan DefaultLimit = TimeSpan.FromSeconds(20);

    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(15);

    public static Task TrueAsync(Func<bool> condition, string what, TimeSpan? limit = null) =>
        AnswersAsync(() => condition() ? true : (bool?)null, what, limit);

    /// <summary>Asks again until the answer is not null.</summary>
    public static async Task<T> AnswersAsync<T>(Func<T?> ask, string what, TimeSpan? limit = null)
        where T : struct =>
        await AnswersAsync(() => ValueTask.FromResult(ask()), what, limit);

    /// <inheritdoc cref="AnswersAsync{T}(Func{T?}, string, TimeSpan?)"/>
    public static async Task<T> AnswersAsync<T>(Func<ValueTask<T?>> ask, string what, TimeSpan? limit = null)
        where T : struct
    {
        var start = Stopwatch.GetTimestamp();
        using var timer = new PeriodicTimer(Interval);
        while (true)
        {
            if (await ask() is { } answer)
            {
                return answer;
            }

            if (Stopwatch.GetElapsedTime(start) > (limit ?? DefaultLimit))
            {
                throw new TimeoutException($"Waited in vain for: {what}.");
            }

            await timer.WaitForNextTickAsync();
        }
    }
}
