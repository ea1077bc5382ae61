using LlmGateway.Model;

namespace LlmGateway.Limits;

/// <summary>What one key may do at a time and in a minute; null: no limit.</summary>
/// <param name="Requests">Requests in any 60 seconds.</param>
/// <param name="Tokens">Tokens in any 60 seconds.</param>
/// <param name="Concurrency">Requests at once.</param>
internal readonly record struct KeyLimits(long? Requests, long? Tokens, long? Concurrency)
{
    public static KeyLimits Of(ClientKey key) => new(key.RequestsPerMinute, key.TokensPerMinute, key.MaxConcurrency);

    public bool IsEmpty => Requests is null && Tokens is null && Concurrency is null;

    /// <summary>The part of one of several instances that cannot ask each other; never nothing.</summary>
    public KeyLimits Share(int instances) => instances <= 1 ? this : new(Share(Requests, instances), Share(Tokens, instances), Share(Concurrency, instances));

    private static long? Share(long? limit, int instances) => limit is { } whole ? Math.Max(1, whole / instances) : null;
}
