using LlmGateway.Redis;
using Microsoft.Extensions.Caching.Memory;
using Microsoft.Extensions.Options;
using StackExchange.Redis;

namespace LlmGateway.Caching;

/// <summary>
/// Answers that may be given again: in Redis where it is configured, so that all instances share them and forget them together, else in
/// process, bounded in bytes. While Redis is away nothing is cached.
/// </summary>
internal sealed class ResponseCache : IDisposable
{
    /// <summary>Bytes of answers that one process keeps.</summary>
    public const long DefaultMaxBytes = 64L << 20;

    /// <summary>A longer answer is not kept.</summary>
    public const int MaxEntryBytes = 4 << 20;

    /// <summary>Nor a longer one in Redis: it would hold up all that stands behind it on the connection.</summary>
    public const int MaxSharedBytes = 512 << 10;

    private const string Generation = "llm-gateway:cache-generation";

    private const string FindScript = "return redis.call('GET', KEYS[1] .. ':' .. (redis.call('GET', KEYS[2]) or '0'))";

    private const string StoreScript = "redis.call('SET', KEYS[1] .. ':' .. (redis.call('GET', KEYS[2]) or '0'), ARGV[1], 'PX', ARGV[2]) return 1";

    // Entries of older generations are found no more, and go when their time is up.
    private const string ClearScript = "return redis.call('INCR', KEYS[1])";

    private readonly RedisStore _redis;
    private readonly TimeProvider _time;
    private readonly MemoryCache _local;

    public ResponseCache(RedisStore redis, TimeProvider time, long maxBytes = DefaultMaxBytes)
    {
        (_redis, _time) = (redis, time);
        _local = new MemoryCache(Options.Create(new MemoryCacheOptions { SizeLimit = maxBytes, CompactionPercentage = 0.1 }));
    }

    public async ValueTask<CacheEntry?> FindAsync(string key)
    {
        if (!_redis.IsConfigured)
        {
            return _local.TryGetValue(key, out Kept? kept) && _time.GetElapsedTime(kept!.Since) < kept.Ttl ? kept.Entry : null;
        }

        var reply = await _redis.RunAsync(FindScript, [KeyOf(key), Generation], []);
        return reply is { IsAnswered: true, Value: { } value } && (byte[]?)value is { } bytes ? CacheEntry.FromBytes(bytes) : null;
    }

    public async ValueTask StoreAsync(string key, CacheEntry entry, TimeSpan ttl)
    {
        if (_redis.IsConfigured)
        {
            if (entry.Body.Length <= MaxSharedBytes)
            {
                await _redis.RunAsync(StoreScript, [KeyOf(key), Generation], [entry.ToBytes(), (long)ttl.TotalMilliseconds]);
            }
        }
        else if (entry.Body.Length <= MaxEntryBytes)
        {
            var options = new MemoryCacheEntryOptions { AbsoluteExpirationRelativeToNow = ttl, Size = entry.Body.Length + 512 };
            _local.Set(key, new Kept(entry, _time.GetTimestamp(), ttl), options);
        }
    }

    /// <summary>Forgets everything; false where the shared cache cannot be told now.</summary>
    public async ValueTask<bool> ClearAsync()
    {
        _local.Clear();
        return !_redis.IsConfigured || (await _redis.RunAsync(ClearScript, [Generation], [])).IsAnswered;
    }

    public void Dispose() => _local.Dispose();

    private static RedisKey KeyOf(string key) => "llm-gateway:cache:" + key;

    /// <summary>The cache's own expiry runs on the machine's clock; this one is the gateway's.</summary>
    private sealed record Kept(CacheEntry Entry, long Since, TimeSpan Ttl);
}
