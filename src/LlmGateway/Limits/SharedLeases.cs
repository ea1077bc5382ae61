using System.Collections.Concurrent;
using System.Globalization;
using System.Security.Cryptography;
using LlmGateway.Redis;
using StackExchange.Redis;

namespace LlmGateway.Limits;

/// <summary>
/// What this instance holds in Redis, and that it is alive: both are renewed, so that what an instance held that died comes back within half a
/// minute, and the others know how many they are. A Redis that was away may have forgotten: it is told again what is set aside of budgets.
/// </summary>
internal sealed class SharedLeases(RedisStore redis, SharedSettlements settlements, TimeProvider time) : BackgroundService
{
    private const int InstanceLifeMilliseconds = 10_000;
    private const int MostInOneStep = 500;

    private static readonly TimeSpan BeatEvery = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan RenewEvery = TimeSpan.FromSeconds(10);

    private readonly string _instance = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(8));
    private readonly ConcurrentDictionary<string, Held> _held = new(StringComparer.Ordinal);
    private long _count;
    private int _instances = 1;

    /// <summary>How many instances there are, this one counted; what was last known while Redis is away.</summary>
    public int Instances => Math.Max(1, Volatile.Read(ref _instances));

    /// <summary>A lease that is renewed until it is forgotten.</summary>
    public SharedLease Begin(RedisKey set)
    {
        var lease = new SharedLease(string.Create(CultureInfo.InvariantCulture, $"{_instance}:{Interlocked.Increment(ref _count)}"), set);
        _held[lease.Id] = new Held(set, null, 0);
        return lease;
    }

    /// <summary>Notes what of a budget is set aside under a lease, so that Redis can be told again.</summary>
    /// <param name="lease">One that was begun.</param>
    /// <param name="budget">The budget's keys.</param>
    /// <param name="amount">Micro-dollars.</param>
    public void Note(SharedLease lease, RedisKey[] budget, long amount) => _held[lease.Id] = new Held(lease.Set, budget, amount);

    public void Forget(SharedLease lease) => _held.TryRemove(lease.Id, out _);

    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken);
        await BeatAsync(0);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (!redis.IsConfigured)
        {
            return;
        }

        redis.Recovered += OnRecovered;
        try
        {
            var renewed = time.GetTimestamp();
            while (true)
            {
                await BeatAsync(InstanceLifeMilliseconds);
                if (time.GetElapsedTime(renewed) >= RenewEvery)
                {
                    renewed = time.GetTimestamp();
                    await RenewAsync();
                }

                await Task.Delay(BeatEvery, time, stoppingToken);
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The host stops.
        }
        finally
        {
            redis.Recovered -= OnRecovered;
        }
    }

    // What was held may be about to lapse or forgotten, and the others should know at once.
    private void OnRecovered()
    {
        _ = Task.WhenAll(BeatAsync(InstanceLifeMilliseconds), RenewAsync(), WarmAsync());
        foreach (var (id, held) in _held)
        {
            if (held.Budget is { } budget)
            {
                settlements.Add(new SharedSettlement(LimitScripts.Restore, budget, [held.Amount, id, LimitScripts.LeaseMilliseconds, LimitScripts.BudgetMilliseconds], IsWanted: () => _held.ContainsKey(id)));
            }
        }
    }

    private async Task BeatAsync(int life)
    {
        var reply = await redis.RunAsync(LimitScripts.Beat, [SharedKeys.Instances], [_instance, life]);
        if (reply.IsAnswered)
        {
            Volatile.Write(ref _instances, (int)reply.Value!);
        }
    }

    /// <summary>Has Redis know the script that every request begins with, and this process the way to it: no limit is asked about, nothing is counted.</summary>
    private async Task WarmAsync()
    {
        var key = SharedKeys.Instances;
        await redis.RunAsync(LimitScripts.Enter, [key, key, key, key], [-1, -1, -1, -1, "", LimitScripts.LeaseMilliseconds]);
    }

    private async Task RenewAsync()
    {
        foreach (var set in _held.GroupBy(held => held.Value.Set, held => (RedisValue)held.Key))
        {
            foreach (var leases in set.Chunk(MostInOneStep))
            {
                await redis.RunAsync(LimitScripts.Renew, [set.Key], [LimitScripts.LeaseMilliseconds, .. leases]);
            }
        }
    }

    /// <param name="Set">The sorted set of leases that it is in.</param>
    /// <param name="Budget">Keys of the budget that it sets something aside of; null: none.</param>
    /// <param name="Amount">How much.</param>
    private sealed record Held(RedisKey Set, RedisKey[]? Budget, long Amount);
}
