using System.Security.Cryptography;
using System.Text;

namespace LlmGateway.Providers;

/// <summary>Tool-call ids in the letters that Anthropic allows. The same id gives the same result, so that call and result still meet.</summary>
internal static class AnthropicToolId
{
    private const int MaxLength = 64;

    public static string Of(string id)
    {
        if (id.Length is > 0 and <= MaxLength && id.All(IsAllowed))
        {
            return id;
        }

        // A piece of the hash keeps apart what replacing letters would make equal.
        var hash = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(id)), 0, 4);
        var readable = new string([.. id.Take(MaxLength - hash.Length - 1).Select(letter => IsAllowed(letter) ? letter : '_')]);
        return $"{readable}-{hash}";
    }

    private static bool IsAllowed(char letter) => char.IsAsciiLetterOrDigit(letter) || letter is '_' or '-';
}
