namespace LlmGateway.Limits;

/// <summary>
/// The steps that Redis takes whole, by its own clock. Windows are hashes: a field for each quarter of a second with what was used in it,
/// one with an <c>l</c> before it for when that was last, <c>t</c> their sum, <c>o</c> the oldest and <c>n</c> the newest slot;
/// see <see cref="SlidingWindow"/> for why a slot counts whole.
/// </summary>
internal static class LimitScripts
{
    /// <summary>What is held lapses after this many milliseconds unless it is renewed.</summary>
    public const int LeaseMilliseconds = 30_000;

    /// <summary>State of a budget is kept so long after the last call, which a month's budget must outlast.</summary>
    public const long BudgetMilliseconds = 40L * 24 * 60 * 60 * 1000;

    private const string Clock = """
        local clock = redis.call('TIME')
        local now = clock[1] * 1000 + math.floor(clock[2] / 1000)

        """;

    private const string Windows = Clock + """
        local slot = math.floor(now / 250)
        local kept = 241
        local function left(key, at)
          local latest = tonumber(redis.call('HGET', key, 'l' .. at)) or at * 250 + 249
          return math.max(0, latest + 60000 - now)
        end
        local function used(key)
          local found = redis.call('HMGET', key, 't', 'o', 'n')
          local total, oldest, newest = tonumber(found[1]), tonumber(found[2]), tonumber(found[3])
          if not total then return 0, 0 end
          local last = slot - kept
          if left(key, last + 1) == 0 then last = last + 1 end
          if oldest <= last then
            local names, gone = {}, {}
            for s = math.max(oldest, last - 1000), last do names[#names + 1] = s end
            local values = redis.call('HMGET', key, unpack(names))
            for i = 1, #names do
              if values[i] then
                total = total - tonumber(values[i])
                gone[#gone + 1] = names[i]
                gone[#gone + 1] = 'l' .. names[i]
              end
            end
            if #gone > 0 then redis.call('HDEL', key, unpack(gone)) end
            redis.call('HSET', key, 't', total, 'o', last + 1)
          end
          if total == 0 then return 0, 0 end
          return total, left(key, newest)
        end
        local function add(key, at, amount, moment)
          local found = redis.call('HMGET', key, 'o', 'n')
          if not found[1] or tonumber(found[1]) > at then redis.call('HSET', key, 'o', at) end
          if not found[2] or tonumber(found[2]) < at then redis.call('HSET', key, 'n', at) end
          redis.call('HINCRBY', key, at, amount)
          if moment then redis.call('HSET', key, 'l' .. at, moment) end
          redis.call('HINCRBY', key, 't', amount)
          redis.call('PEXPIRE', key, 61000)
        end
        local function wait(key, total, needed, limit)
          if needed > limit then return -1 end
          local all = redis.call('HGETALL', key)
          local slots, amounts = {}, {}
          for i = 1, #all, 2 do
            local s = tonumber(all[i])
            if s then
              slots[#slots + 1] = s
              amounts[s] = tonumber(all[i + 1])
            end
          end
          table.sort(slots)
          for i = 1, #slots do
            total = total - amounts[slots[i]]
            if total + needed <= limit then return left(key, slots[i]) end
          end
          return 0
        end

        """;

    /// <summary>
    /// Keys: requests, tokens, running, budget. Arguments: the four limits (-1: none), lease, its life.
    /// Answers refused limit, wait (-1: never), requests, their reset, tokens, their reset, spent, set aside.
    /// </summary>
    public const string Enter = Windows + """
        local rpm, tpm, most, budget = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
        local r, rr, t, tr, spent, open = 0, 0, 0, 0, 0, 0
        if rpm >= 0 then r, rr = used(KEYS[1]) end
        if tpm >= 0 then t, tr = used(KEYS[2]) end
        if rpm >= 0 and r + 1 > rpm then return {1, wait(KEYS[1], r, 1, rpm), r, rr, t, tr, 0, 0} end
        if tpm >= 0 and t >= tpm then return {2, wait(KEYS[2], t, 1, tpm), r, rr, t, tr, 0, 0} end
        if budget >= 0 then
          local found = redis.call('HMGET', KEYS[4], 'spent', 'open')
          spent, open = tonumber(found[1]) or 0, tonumber(found[2]) or 0
          if spent + open >= budget then return {4, -1, r, rr, t, tr, spent, open} end
        end
        if most >= 0 then
          redis.call('ZREMRANGEBYSCORE', KEYS[3], '-inf', now)
          if redis.call('ZCARD', KEYS[3]) >= most then return {3, -1, r, rr, t, tr, spent, open} end
          redis.call('ZADD', KEYS[3], now + tonumber(ARGV[6]), ARGV[5])
          redis.call('PEXPIRE', KEYS[3], ARGV[6])
        end
        if rpm >= 0 then
          add(KEYS[1], slot, 1, now)
          r, rr = r + 1, 60000
        end
        return {0, 0, r, rr, t, tr, spent, open}
        """;

    /// <summary>Key: tokens. Arguments: limit, amount. Answers refused or not, wait, used, reset, slot.</summary>
    public const string CountTokens = Windows + """
        local limit, amount = tonumber(ARGV[1]), tonumber(ARGV[2])
        local t, tr = used(KEYS[1])
        if t + amount > limit then return {2, wait(KEYS[1], t, amount, limit), t, tr, 0} end
        add(KEYS[1], slot, amount, now)
        return {0, 0, t + amount, 60000, slot}
        """;

    /// <summary>Keys: tokens, running. Arguments: lease, slot in which tokens were counted, what to correct them by.</summary>
    public const string Leave = Windows + """
        redis.call('ZREM', KEYS[2], ARGV[1])
        local at, difference = tonumber(ARGV[2]), tonumber(ARGV[3])
        if difference ~= 0 then
          used(KEYS[1])
          if at > slot - kept and left(KEYS[1], at) > 0 then add(KEYS[1], at, difference)
          elseif difference > 0 then add(KEYS[1], slot, difference, now) end
        end
        return 1
        """;

    /// <summary>Key: a set of leases. Arguments: their life, the leases.</summary>
    public const string Renew = Clock + """
        local till = now + tonumber(ARGV[1])
        for i = 2, #ARGV do redis.call('ZADD', KEYS[1], 'XX', till, ARGV[i]) end
        redis.call('PEXPIRE', KEYS[1], tonumber(ARGV[1]) * 2)
        return 1
        """;

    /// <summary>Key: instances. Arguments: this one, its life in milliseconds; 0: it goes. Answers how many there are.</summary>
    public const string Beat = Clock + """
        redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
        if tonumber(ARGV[2]) > 0 then
          redis.call('ZADD', KEYS[1], now + tonumber(ARGV[2]), ARGV[1])
          redis.call('PEXPIRE', KEYS[1], ARGV[2])
        else
          redis.call('ZREM', KEYS[1], ARGV[1])
        end
        return redis.call('ZCARD', KEYS[1])
        """;

    /// <summary>
    /// Keys: budget, holds, amounts, lapsed. Arguments: budget, amount, lease, its life, life of the state, what is known to be spent where
    /// Redis has forgotten it (empty: nobody asked yet). Answers 0 held, 1 too much, 2 spending unknown; then spent and set aside.
    /// </summary>
    public const string Hold = Clock + """
        local spent = tonumber(redis.call('HGET', KEYS[1], 'spent'))
        if not spent then
          if ARGV[6] == '' then return {2, 0, 0} end
          spent = tonumber(ARGV[6])
          redis.call('HSET', KEYS[1], 'spent', ARGV[6], 'filled', now)
        end
        for _, id in ipairs(redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', now, 'LIMIT', 0, 100)) do
          local amount = redis.call('HGET', KEYS[3], id)
          redis.call('ZREM', KEYS[2], id)
          if amount then
            redis.call('HDEL', KEYS[3], id)
            redis.call('HSET', KEYS[4], id, amount)
            redis.call('HINCRBY', KEYS[1], 'open', '-' .. amount)
            spent = redis.call('HINCRBY', KEYS[1], 'spent', amount)
          end
        end
        local open = tonumber(redis.call('HGET', KEYS[1], 'open')) or 0
        local amount = tonumber(ARGV[2])
        local held = 1
        if spent + open + amount <= tonumber(ARGV[1]) then
          held = 0
          redis.call('ZADD', KEYS[2], now + tonumber(ARGV[4]), ARGV[3])
          redis.call('HSET', KEYS[3], ARGV[3], ARGV[2])
          open = redis.call('HINCRBY', KEYS[1], 'open', ARGV[2])
        end
        for i = 1, 4 do redis.call('PEXPIRE', KEYS[i], ARGV[5]) end
        return {held, spent, open}
        """;

    /// <summary>
    /// Keys: as for holding. Arguments: amount, lease, its life, life of the state. Sets aside, whatever is left, what was set aside before and
    /// has been forgotten.
    /// </summary>
    public const string Restore = Clock + """
        if redis.call('HEXISTS', KEYS[3], ARGV[2]) == 1 or redis.call('HEXISTS', KEYS[4], ARGV[2]) == 1 then return 0 end
        redis.call('ZADD', KEYS[2], now + tonumber(ARGV[3]), ARGV[2])
        redis.call('HSET', KEYS[3], ARGV[2], ARGV[1])
        redis.call('HINCRBY', KEYS[1], 'open', ARGV[1])
        for i = 1, 3 do redis.call('PEXPIRE', KEYS[i], ARGV[4]) end
        return 1
        """;

    /// <summary>
    /// Keys: as for holding. Arguments: lease, what was spent, when the call ended if it was set aside in the database (else empty). Where Redis
    /// has forgotten what was spent that is not counted: it will be filled in from the ledger, which has this call too, as it has those of the
    /// database that ended a second or more before. Answers what is spent, -1: forgotten.
    /// </summary>
    public const string Settle = """
        local known = redis.call('HEXISTS', KEYS[1], 'spent') == 1
        local actual = tonumber(ARGV[2])
        local amount = redis.call('HGET', KEYS[3], ARGV[1])
        if amount then
          redis.call('ZREM', KEYS[2], ARGV[1])
          redis.call('HDEL', KEYS[3], ARGV[1])
          redis.call('HINCRBY', KEYS[1], 'open', '-' .. amount)
          if not known then return -1 end
          return redis.call('HINCRBY', KEYS[1], 'spent', actual)
        end
        if not known then return -1 end
        amount = redis.call('HGET', KEYS[4], ARGV[1])
        if amount then
          redis.call('HDEL', KEYS[4], ARGV[1])
          return redis.call('HINCRBY', KEYS[1], 'spent', actual - tonumber(amount))
        end
        if ARGV[3] ~= '' then
          local filled = tonumber(redis.call('HGET', KEYS[1], 'filled')) or 0
          if tonumber(ARGV[3]) + 1000 > filled then return redis.call('HINCRBY', KEYS[1], 'spent', actual) end
        end
        return tonumber(redis.call('HGET', KEYS[1], 'spent'))
        """;
}
