using System.Collections.Concurrent;
using LlmGateway.Model;
using LlmGateway.Redis;

namespace LlmGateway.Limits;

/// <summary>The limits of all instances together, kept in Redis: one script per step, by Redis' clock.</summary>
internal sealed class SharedLimits(RedisStore redis, SharedLeases leases, SharedSettlements settlements)
{
    private readonly ConcurrentDictionary<string, SharedKeys> _keys = new(StringComparer.Ordinal);

    /// <summary>Whether Redis decides now.</summary>
    public bool IsUp => redis.IsUp;

    /// <summary>Whether it decides again only just: what it says is not yet all there is.</summary>
    public bool IsSettling => redis.IsSettling;

    public bool IsConfigured => redis.IsConfigured;

    public int Instances => leases.Instances;

    public SharedKeys KeysOf(string keyName) => _keys.GetOrAdd(keyName, static name => new SharedKeys(name));

    /// <summary>Lets a request in or says which limit is in the way; null: Redis did not answer.</summary>
    public async ValueTask<(LimitReading Reading, SharedLease? Lease)?> EnterAsync(ClientKey key, KeyLimits limits, BudgetPlace? place)
    {
        var keys = KeysOf(key.Name);
        var lease = limits.Concurrency is null ? null : leases.Begin(keys.Running);
        var reply = await redis.RunAsync(
            LimitScripts.Enter,
            [keys.Requests, keys.Tokens, keys.Running, place?.RedisKeys[0] ?? keys.Requests],
            [limits.Requests ?? -1, limits.Tokens ?? -1, limits.Concurrency ?? -1, place is null ? -1 : MicroUsd.BudgetOf(key) ?? -1, lease?.Id ?? "", LimitScripts.LeaseMilliseconds]);
        if (!reply.IsAnswered)
        {
            if (lease is not null)
            {
                // Redis may have let it in all the same, too late for anybody to hear.
                Leave(key.Name, lease, 0, 0);
            }

            return null;
        }

        var values = (long[])reply.Value!;
        var reading = new LimitReading
        {
            Limits = limits,
            Refused = (LimitKind)values[0],
            Wait = values[1] < 0 ? null : values[1],
            UsedRequests = values[2],
            ResetRequests = values[3],
            UsedTokens = values[4],
            ResetTokens = values[5],
            Budget = new BudgetReading(BudgetVerdict.TooMuch, values[6], values[7]),
        };
        if (reading.Refused != LimitKind.None)
        {
            Forget(lease);
            lease = null;
        }

        return (reading, lease);
    }

    /// <summary>Counts tokens that a request will use; null: Redis did not answer.</summary>
    public async ValueTask<LimitReading?> CountTokensAsync(string keyName, long limit, long amount)
    {
        var reply = await redis.RunAsync(LimitScripts.CountTokens, [KeysOf(keyName).Tokens], [limit, amount]);
        if (!reply.IsAnswered)
        {
            return null;
        }

        var values = (long[])reply.Value!;
        return new LimitReading
        {
            Refused = (LimitKind)values[0],
            Wait = values[1] < 0 ? null : values[1],
            UsedTokens = values[2],
            ResetTokens = values[3],
            TokensCountedAt = values[4],
        };
    }

    /// <summary>Gives a place back, if there is one, and corrects what was counted; nobody waits for it.</summary>
    public void Leave(string keyName, SharedLease? lease, long countedAt, long difference)
    {
        Forget(lease);
        if (lease is not null || difference != 0)
        {
            var keys = KeysOf(keyName);
            settlements.Add(new SharedSettlement(LimitScripts.Leave, [keys.Tokens, keys.Running], [lease?.Id ?? "", countedAt, difference]));
        }
    }

    private void Forget(SharedLease? lease)
    {
        if (lease is not null)
        {
            leases.Forget(lease);
        }
    }
}
