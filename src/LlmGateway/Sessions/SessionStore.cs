using System.Security.Cryptography;
using System.Text;
using LlmGateway.Model;

namespace LlmGateway.Sessions;

/// <summary>
/// The memory of conversations: shared where Redis is configured, in process otherwise. While Redis is away a session goes on with what this
/// instance sees of it, and what was said meanwhile is handed over when Redis is back: an outage costs memory of the past, never an answer.
/// </summary>
internal sealed class SessionStore(RedisSessions shared, MemorySessions local)
{
    /// <summary>Under which key a session is kept: an issued id as it is, a client's own id together with whose it is.</summary>
    public static string KeyOf(string id, string owner) => Guid.TryParseExact(id, "D", out _) ? IssuedKey(id) : ClientKey(id, owner);

    public static string IssuedKey(string id) => "session:" + id;

    /// <summary>Two clients' sessions of one name are two; the name itself, which a client chose, is in no key.</summary>
    public static string ClientKey(string id, string owner) =>
        "session:" + Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(owner + "\n" + id)));

    /// <summary>Finds the session of a request, and under which key; a client's own id may stand for none yet.</summary>
    public async ValueTask<(string Key, SessionLookup Found)> OpenAsync(SessionRef session, string owner)
    {
        var key = KeyOf(session.Id, owner);
        if (session.Kind == SessionKind.New)
        {
            return (key, SessionLookup.Found([]));
        }

        var found = await FindAsync(key, owner);
        if (found.State == SessionState.Missing && key == IssuedKey(session.Id))
        {
            // A client may well choose a UUID of its own.
            key = ClientKey(session.Id, owner);
            found = await FindAsync(key, owner);
        }

        return (key, found.State switch
        {
            SessionState.Missing when session.Kind == SessionKind.Any => SessionLookup.Found([]),

            // Nobody can say whether it is there: better a conversation without its past than none.
            SessionState.Unknown => SessionLookup.Found([]),
            _ => found,
        });
    }

    public async ValueTask<SessionLookup> FindAsync(string key, string owner)
    {
        if (!shared.IsShared)
        {
            return local.Find(key, owner);
        }

        await HandOverAsync(key, owner);
        var found = await shared.FindAsync(key, owner);
        if (found.State != SessionState.Unknown)
        {
            return found;
        }

        var own = local.Find(key, owner);
        return own.State == SessionState.Missing ? found : own;
    }

    /// <summary>Adds an exchange, or puts a client's own list in the place of the stored one.</summary>
    public async ValueTask AppendAsync(string key, string owner, IReadOnlyList<SessionEntry> entries, bool replaces)
    {
        if (!shared.IsShared || !await HandOverAsync(key, owner) || await shared.AppendAsync(key, owner, entries, replaces) == SessionState.Unknown)
        {
            local.Append(key, owner, entries, replaces);
        }
    }

    /// <summary>What was said while Redis was away goes there once it is back, before anything else is read or added; false: it is away still.</summary>
    private async ValueTask<bool> HandOverAsync(string key, string owner)
    {
        if (local.Missed(key, owner) is not { } missed)
        {
            return true;
        }

        // Two who hand over at once do it once: see the script.
        var state = await shared.AppendAsync(key, owner, missed.Entries, missed.Replaces);
        if (state == SessionState.Found)
        {
            local.Forget(key, missed);
        }

        return state != SessionState.Unknown;
    }

    /// <summary>Forgets a session; false where there is none of the caller's.</summary>
    public async ValueTask<bool> RemoveAsync(string id, string owner) =>
        await RemoveKeyAsync(KeyOf(id, owner), owner) || await RemoveKeyAsync(ClientKey(id, owner), owner);

    private async ValueTask<bool> RemoveKeyAsync(string key, string owner)
    {
        var own = local.Remove(key, owner);
        var common = shared.IsShared ? await shared.RemoveAsync(key, owner) : SessionState.Missing;
        return own == SessionState.Found || common == SessionState.Found;
    }
}
