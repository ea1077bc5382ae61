using StackExchange.Redis;

namespace LlmGateway.Limits;

/// <summary>One key's budget in one period, as far as this process knows it.</summary>
/// <param name="keyName">Whose.</param>
/// <param name="periodName">As the keys file names it; null: for ever.</param>
/// <param name="period">Which.</param>
/// <param name="redisKeys">Where Redis keeps it.</param>
internal sealed class BudgetPlace(string keyName, string? periodName, BudgetPeriod period, RedisKey[] redisKeys)
{
    private const long Unknown = -1;

    private long _knownSpent = Unknown;
    private long _knownTaken;
    private long _sharedSetAside;
    private long _storedSetAside;

    public string KeyName { get; } = keyName;

    public string? PeriodName { get; } = periodName;

    public BudgetPeriod Period { get; } = period;

    public RedisKey[] RedisKeys { get; } = redisKeys;

    /// <summary>What this process alone counts; used where there is no Redis.</summary>
    public BudgetAccount Account { get; } = new();

    /// <summary>What all instances together have spent, as far as Redis or the database last said; null: neither was asked yet.</summary>
    public long? KnownSpent => Interlocked.Read(ref _knownSpent) is not Unknown and var known ? known : null;

    /// <summary>The least that is spent or set aside in Redis, as far as this process knows.</summary>
    public long KnownTaken => Math.Max(Interlocked.Read(ref _knownTaken), (KnownSpent ?? 0) + Interlocked.Read(ref _sharedSetAside));

    /// <summary>What this process has set aside in the database.</summary>
    public long StoredSetAside => Interlocked.Read(ref _storedSetAside);

    public void AddSharedSetAside(long amount) => Interlocked.Add(ref _sharedSetAside, amount);

    public void AddStoredSetAside(long amount) => Interlocked.Add(ref _storedSetAside, amount);

    public void LearnSpent(long spent) => Interlocked.Exchange(ref _knownSpent, spent);

    public void Learn(long spent, long setAside)
    {
        LearnSpent(spent);
        Interlocked.Exchange(ref _knownTaken, spent + setAside);
    }

    public bool Holds(string? periodName, DateTimeOffset time) => periodName == PeriodName && time >= Period.Start && (Period.End is null || time < Period.End);
}
