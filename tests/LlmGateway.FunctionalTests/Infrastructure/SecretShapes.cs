using System.Security.Cryptography;
using System.Text;

namespace LlmGateway.FunctionalTests.Infrastructure;

/// <summary>The forms in which a secret gets out: plain, its end, URL-encoded, in base64 wherever it stands in a longer text, hashed.</summary>
internal static class SecretShapes
{
    /// <summary>So many characters from the end give a secret away.</summary>
    public const int Tail = 8;

    public static IReadOnlyList<string> Of(string secret)
    {
        var hash = SHA256.HashData(Encoding.UTF8.GetBytes(secret));
        return [.. Inside(secret), secret[^Tail..], Convert.ToHexStringLower(hash), Convert.ToHexString(hash), Convert.ToBase64String(hash).TrimEnd('=')];
    }

    /// <summary>The forms that tell a part of a secret as well as a whole one.</summary>
    public static IEnumerable<string> Inside(string text)
    {
        string[] shapes = [text, Uri.EscapeDataString(text), .. Enumerable.Range(0, 3).Select(before => Base64(text, before))];
        return shapes.Distinct();
    }

    /// <summary>The letters of base64 that depend on nothing but the text, when so many bytes stand before it in its group of three.</summary>
    private static string Base64(string text, int before)
    {
        byte[] bytes = [.. new byte[before], .. Encoding.UTF8.GetBytes(text)];
        var (first, end) = (((before * 8) + 5) / 6, bytes.Length * 8 / 6);
        return Convert.ToBase64String(bytes)[first..end];
    }
}
