using System.Collections.Concurrent;
using LlmGateway.Model;
using LlmGateway.Telemetry;

namespace LlmGateway.Limits;

/// <summary>
/// Requests, tokens and calls at once of each key. With Redis, all instances count together; while it is away each counts alone and takes
/// its share of the limit.
/// </summary>
internal sealed class RateLimiter(SharedLimits shared, GatewayMetrics metrics, TimeProvider time)
{
    /// <summary>
    /// A client that reads the last byte of an answer may be back before the gateway has given its place back: so long, and once, is a full
    /// house looked at again. Whoever is refused is to know it within 20 ms.
    /// </summary>
    private static readonly TimeSpan SecondLook = TimeSpan.FromMilliseconds(10);

    /// <summary>One for each name that a valid key ever had since the start.</summary>
    private readonly ConcurrentDictionary<string, KeyState> _states = new(StringComparer.Ordinal);

    private long Now => (long)(time.GetTimestamp() * 1000.0 / time.TimestampFrequency);

    /// <summary>How many requests of the key are under way, of those that this process counts.</summary>
    public long RunningOf(string keyName) => _states.TryGetValue(keyName, out var state) ? state.Running : 0;

    /// <summary>Lets a request in: then there is an admission, to be given back with <see cref="Leave"/>; or says which limit is in the way.</summary>
    public async ValueTask<(KeyAdmission? Admission, LimitReading Reading)> EnterAsync(ClientKey key, BudgetPlace? budget)
    {
        var (admission, reading) = await TryEnterAsync(key, budget);
        if (reading.Refused == LimitKind.Concurrency)
        {
            await Task.Delay(SecondLook, time, CancellationToken.None);
            (admission, reading) = await TryEnterAsync(key, budget);
        }

        return (admission, reading);
    }

    /// <summary>Counts the tokens that the request will use at most, as far as anybody can tell. The counting is corrected when it leaves.</summary>
    public async ValueTask<LimitReading> CountTokensAsync(KeyAdmission admission, long limit, long estimate)
    {
        var state = admission.State;
        if (state is null)
        {
            if (await shared.CountTokensAsync(admission.Key.Name, limit, estimate) is { } counted)
            {
                Note(counted);
                return counted;
            }

            // Redis went away between the two steps: this one is let pass.
            metrics.DegradedDecision("redis");
            return new LimitReading { UsedTokens = estimate };
        }

        var reading = state.CountTokens(shared.IsConfigured ? new KeyLimits(null, limit, null).Share(shared.Instances).Tokens!.Value : limit, estimate, Now);
        Note(reading);
        return reading;

        void Note(in LimitReading found)
        {
            if (found.Refused == LimitKind.None)
            {
                admission.Count(estimate, found.TokensCountedAt);
            }
        }
    }

    /// <summary>The request is over.</summary>
    public void Leave(KeyAdmission admission, long usedTokens)
    {
        var difference = admission.Key.TokensPerMinute is null ? 0 : usedTokens - admission.CountedTokens;
        if (admission.State is { } state)
        {
            state.Leave(admission.CountedAt, difference, Now);
        }
        else
        {
            shared.Leave(admission.Key.Name, admission.Lease, admission.CountedAt, difference);
        }
    }

    private async ValueTask<(KeyAdmission? Admission, LimitReading Reading)> TryEnterAsync(ClientKey key, BudgetPlace? budget)
    {
        var limits = KeyLimits.Of(key);
        if (shared.IsConfigured)
        {
            if (await shared.EnterAsync(key, limits, budget) is { } entered)
            {
                return (entered.Reading.Refused == LimitKind.None ? new KeyAdmission(key, null, entered.Lease) : null, entered.Reading);
            }

            metrics.DegradedDecision("redis");
            limits = limits.Share(shared.Instances);
        }

        var state = _states.GetOrAdd(key.Name, static _ => new KeyState());
        var reading = state.Enter(limits, Now);
        return (reading.Refused == LimitKind.None ? new KeyAdmission(key, state, null) : null, reading);
    }
}
