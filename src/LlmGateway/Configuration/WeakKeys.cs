using System.Security.Cryptography;
using System.Text;

namespace LlmGateway.Configuration;

/// <summary>Keys that anybody would try first.</summary>
internal static class WeakKeys
{
    public const int LeastLength = 8;

    /// <summary>The examples that the project itself prints are among them.</summary>
    private static readonly string[] WellKnown =
        ["changeme", "change-me", "password", "secret", "admin", "administrator", "test", "testtest", "example", "default", "12345678", "sk-1234", "sk-12345678", "sk-gw-example", "gateway-key"];

    private static readonly HashSet<string> Hashes =
        WellKnown.Select(key => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(key)))).ToHashSet(StringComparer.Ordinal);

    public static bool IsShort(string key) => key.Length < LeastLength;

    public static bool IsWeak(string key) =>
        key.Any(char.IsWhiteSpace) || WellKnown.Contains(key, StringComparer.OrdinalIgnoreCase);

    public static bool IsWeakHash(string sha256) => Hashes.Contains(sha256);
}
