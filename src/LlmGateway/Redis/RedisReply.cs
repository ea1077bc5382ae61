using StackExchange.Redis;

namespace LlmGateway.Redis;

/// <summary>What a script returned, or that Redis could not be asked: then the caller decides locally.</summary>
/// <param name="IsAnswered">Whether Redis answered.</param>
/// <param name="Value">The script's result; null where Redis did not answer.</param>
internal readonly record struct RedisReply(bool IsAnswered, RedisResult? Value)
{
    /// <summary>Redis is not configured, away, or too slow.</summary>
    public static RedisReply Unavailable => default;
}
