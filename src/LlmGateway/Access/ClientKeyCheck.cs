using System.Security.Cryptography;
using System.Text;
using LlmGateway.Model;

namespace LlmGateway.Access;

/// <summary>Finds the configured key that a presented one is. Looked up by SHA-256 and compared in constant time: timing tells nothing of a key.</summary>
internal static class ClientKeyCheck
{
    public static ClientKey? Find(GatewayConfig config, string presented, DateTimeOffset now)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        var length = Encoding.UTF8.GetByteCount(presented);
        if (length > 1024)
        {
            return null;
        }

        Span<byte> bytes = stackalloc byte[1024];
        SHA256.HashData(bytes[..Encoding.UTF8.GetBytes(presented, bytes)], hash);
        if (!config.ClientKeys.TryGetValue(Convert.ToHexStringLower(hash), out var key) || !CryptographicOperations.FixedTimeEquals(hash, key.Sha256))
        {
            return null;
        }

        return now < (key.NotBefore ?? DateTimeOffset.MinValue) || now >= (key.ExpiresAt ?? DateTimeOffset.MaxValue) ? null : key;
    }
}
