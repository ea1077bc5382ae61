using System.Security.Cryptography;
using System.Text;
using StackExchange.Redis;

namespace LlmGateway.Limits;

/// <summary>Names in Redis of one client key's state. The key's name is hashed, so that no name can reach outside its place; one slot holds them all.</summary>
internal sealed class SharedKeys
{
    private const string Prefix = "llm-gateway:";

    private readonly string _place;

    public SharedKeys(string keyName)
    {
        _place = $"{Prefix}{{{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(keyName)).AsSpan(0, 16))}}}:";
        Requests = _place + "rpm";
        Tokens = _place + "tpm";
        Running = _place + "running";
    }

    /// <summary>The instances that are alive.</summary>
    public static RedisKey Instances { get; } = Prefix + "instances";

    public RedisKey Requests { get; }

    public RedisKey Tokens { get; }

    public RedisKey Running { get; }

    /// <summary>
    /// Of one period's budget: a hash of what was spent and what is set aside; the set of calls that something is set aside for; how much, for
    /// each; and what was taken for spent because nobody renewed it, so that a late settlement can put it right.
    /// </summary>
    public RedisKey[] Budget(string period) => [$"{_place}budget:{period}", $"{_place}holds:{period}", $"{_place}amounts:{period}", $"{_place}lapsed:{period}"];
}
