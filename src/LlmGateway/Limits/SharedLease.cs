using StackExchange.Redis;

namespace LlmGateway.Limits;

/// <summary>
/// Something held in Redis that goes back by itself when nobody renews it: a member of a sorted set, its score the time at which it lapses.
/// </summary>
/// <param name="Id">Unique among all instances.</param>
/// <param name="Set">The sorted set.</param>
internal sealed record SharedLease(string Id, RedisKey Set);
