using System.Collections.Frozen;
using System.Security.Cryptography;
using System.Text;
using LlmGateway.Model;

namespace LlmGateway.Access;

/// <summary>Finds the client key that a presented one is. Looked up by SHA-256 and compared in constant time: timing tells nothing of a key.</summary>
internal static class ClientKeyCheck
{
    /// <param name="configured">The keys of the configuration, by their hash.</param>
    /// <param name="minted">Those that the gateway made.</param>
    /// <param name="presented">What the request brings.</param>
    /// <param name="now">The time: a key may be too young or too old.</param>
    public static ClientKey? Find(FrozenDictionary<string, ClientKey> configured, FrozenDictionary<string, ClientKey> minted, string presented, DateTimeOffset now)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        var length = Encoding.UTF8.GetByteCount(presented);
        if (length > 1024)
        {
            return null;
        }

        Span<byte> bytes = stackalloc byte[1024];
        SHA256.HashData(bytes[..Encoding.UTF8.GetBytes(presented, bytes)], hash);
        var name = Convert.ToHexStringLower(hash);
        if ((!configured.TryGetValue(name, out var key) && !minted.TryGetValue(name, out key)) || !CryptographicOperations.FixedTimeEquals(hash, key.Sha256))
        {
            return null;
        }

        return now < (key.NotBefore ?? DateTimeOffset.MinValue) || now >= (key.ExpiresAt ?? DateTimeOffset.MaxValue) ? null : key;
    }
}
