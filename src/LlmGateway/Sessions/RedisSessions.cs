using LlmGateway.Redis;
using StackExchange.Redis;

namespace LlmGateway.Sessions;

/// <summary>
/// Sessions that all instances see: a hash of <c>v</c>, <c>owner</c> and <c>messages</c> (one entry to a line) under the session's key. Every
/// step is one script, so two answers that end at once both stay. A line is added once, however often it is handed in: it holds the time, to the
/// tenth of a microsecond, at which it was said, and Redis may have taken a step that nobody heard of.
/// </summary>
internal sealed class RedisSessions(RedisStore redis)
{
    private const string ReadScript = """
        local owner = redis.call('HGET', KEYS[1], 'owner')
        if not owner then return {0} end
        if owner ~= ARGV[1] then return {-1} end
        redis.call('EXPIRE', KEYS[1], ARGV[2])
        return {1, redis.call('HGET', KEYS[1], 'messages')}
        """;

    private const string AppendScript = """
        local owner = redis.call('HGET', KEYS[1], 'owner')
        if owner and owner ~= ARGV[1] then return {-1} end
        local lines, known, added = {}, {}, {}
        for line in string.gmatch(redis.call('HGET', KEYS[1], 'messages') or '', '[^\n]+') do
          lines[#lines + 1] = line
          known[line] = true
        end
        for line in string.gmatch(ARGV[4], '[^\n]+') do added[#added + 1] = line end
        if ARGV[3] ~= '0' and not known[added[1]] then lines, known = {}, {} end
        for i = 1, #added do
          if not known[added[i]] then lines[#lines + 1] = added[i] end
        end
        local first = math.max(1, #lines - tonumber(ARGV[5]) + 1)
        while first <= #lines and string.sub(lines[first], 1, 1) == 't' do first = first + 1 end
        redis.call('HSET', KEYS[1], 'v', '1', 'owner', ARGV[1], 'messages', table.concat(lines, '\n', first))
        redis.call('EXPIRE', KEYS[1], ARGV[2])
        return {1}
        """;

    private const string RemoveScript = """
        local owner = redis.call('HGET', KEYS[1], 'owner')
        if not owner then return {0} end
        if owner ~= ARGV[1] then return {-1} end
        redis.call('DEL', KEYS[1])
        return {1}
        """;

    private static readonly RedisValue Lifetime = (int)SessionLimits.Lifetime.TotalSeconds;

    public bool IsShared => redis.IsConfigured;

    public async ValueTask<SessionLookup> FindAsync(string key, string owner)
    {
        var reply = await redis.RunAsync(ReadScript, [key], [owner, Lifetime]);
        var (state, values) = Read(reply);
        return new(state, state == SessionState.Found && values.Length > 1 ? Entries((byte[]?)values[1]) : []);
    }

    public async ValueTask<SessionState> AppendAsync(string key, string owner, IReadOnlyList<SessionEntry> entries, bool replaces)
    {
        var reply = await redis.RunAsync(AppendScript, [key], [owner, Lifetime, replaces ? "1" : "0", Lines(entries), SessionLimits.Messages]);
        return Read(reply).State;
    }

    public async ValueTask<SessionState> RemoveAsync(string key, string owner) => Read(await redis.RunAsync(RemoveScript, [key], [owner])).State;

    private static (SessionState State, RedisValue[] Values) Read(RedisReply reply)
    {
        if (!reply.IsAnswered)
        {
            return (SessionState.Unknown, []);
        }

        var values = (RedisValue[]?)reply.Value ?? [];
        return ((int)values[0] switch
        {
            1 => SessionState.Found,
            0 => SessionState.Missing,
            _ => SessionState.Foreign,
        }, values);
    }

    private static byte[] Lines(IReadOnlyList<SessionEntry> entries)
    {
        var text = new byte[entries.Sum(static entry => entry.Length + 1)];
        var at = 0;
        foreach (var entry in entries)
        {
            var line = entry.ToLine();
            line.CopyTo(text, at);
            at += line.Length;
            text[at++] = (byte)'\n';
        }

        return text;
    }

    private static List<SessionEntry> Entries(ReadOnlyMemory<byte> text)
    {
        List<SessionEntry> entries = [];
        while (!text.IsEmpty)
        {
            var end = text.Span.IndexOf((byte)'\n');
            var line = end < 0 ? text : text[..end];
            text = end < 0 ? default : text[(end + 1)..];
            if (SessionEntry.FromLine(line) is { } entry)
            {
                entries.Add(entry);
            }
        }

        return entries;
    }
}
