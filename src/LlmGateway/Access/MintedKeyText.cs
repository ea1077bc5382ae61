using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;

namespace LlmGateway.Access;

/// <summary>
/// The keys that the gateway makes: <c>sk-gw-</c> and 32 random bytes with a checksum of four, as 48 characters of base64url. The checksum
/// tells a mistyped key from one that nobody knows, without asking anybody.
/// </summary>
internal static class MintedKeyText
{
    public const string Prefix = "sk-gw-";

    private const int RandomBytes = 32;
    private const int ChecksumBytes = 4;

    public static string Create()
    {
        Span<byte> bytes = stackalloc byte[RandomBytes + ChecksumBytes];
        RandomNumberGenerator.Fill(bytes[..RandomBytes]);
        Checksum(bytes[..RandomBytes], bytes[RandomBytes..]);
        return Prefix + Base64Url.EncodeToString(bytes);
    }

    public static bool IsWellFormed(string key)
    {
        Span<byte> bytes = stackalloc byte[RandomBytes + ChecksumBytes];
        if (key.Length != Prefix.Length + 48 || !key.StartsWith(Prefix, StringComparison.Ordinal)
            || !Base64Url.IsValid(key.AsSpan(Prefix.Length), out var length) || length != bytes.Length
            || !Base64Url.TryDecodeFromChars(key.AsSpan(Prefix.Length), bytes, out var written) || written != bytes.Length)
        {
            return false;
        }

        Span<byte> expected = stackalloc byte[ChecksumBytes];
        Checksum(bytes[..RandomBytes], expected);
        return CryptographicOperations.FixedTimeEquals(expected, bytes[RandomBytes..]);
    }

    private static void Checksum(ReadOnlySpan<byte> random, Span<byte> checksum)
    {
        Span<byte> text = stackalloc byte[Prefix.Length + RandomBytes];
        Encoding.ASCII.GetBytes(Prefix, text);
        random.CopyTo(text[Prefix.Length..]);
        SHA256.HashData(text)[..ChecksumBytes].CopyTo(checksum);
    }
}
