using StackExchange.Redis;

namespace LlmGateway.Limits;

/// <summary>A step that Redis is to take when it can: nobody waits for it.</summary>
/// <param name="Script">One of <see cref="LimitScripts"/>.</param>
/// <param name="Keys">Its keys.</param>
/// <param name="Arguments">Its arguments.</param>
/// <param name="Done">Told what it answered.</param>
/// <param name="IsWanted">Whether it is to be taken still; asked when it is about to be.</param>
internal sealed record SharedSettlement(string Script, RedisKey[] Keys, RedisValue[] Arguments, Action<long>? Done = null, Func<bool>? IsWanted = null);
