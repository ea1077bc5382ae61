using LlmGateway.Model;

namespace LlmGateway.Limits;

/// <summary>One request's place within its key's limits, from the moment it was let in to its end.</summary>
internal sealed class KeyAdmission(ClientKey key, KeyState? state, SharedLease? lease)
{
    public ClientKey Key { get; } = key;

    /// <summary>Who counts it in this process; null: Redis does.</summary>
    public KeyState? State { get; } = state;

    /// <summary>Its place in Redis; null: it has none there.</summary>
    public SharedLease? Lease { get; } = lease;

    /// <summary>Tokens that it was counted with before anybody knew.</summary>
    public long CountedTokens { get; private set; }

    public long CountedAt { get; private set; }

    public void Count(long tokens, long at) => (CountedTokens, CountedAt) = (tokens, at);
}
