using System.Buffers;
using System.Security.Cryptography;
using System.Text;

namespace LlmGateway.Ownership;

/// <summary>What providers call the objects that they keep: files, batches, responses, conversations and so on.</summary>
internal static class ObjectId
{
    /// <summary>Longer texts are none.</summary>
    public const int MostLength = 256;

    /// <summary>Words of an API are no longer: <c>submit_tool_outputs</c>, <c>transcription_sessions</c>.</summary>
    private const int MostWordLength = 24;

    private static readonly SearchValues<char> WordLetters = SearchValues.Create("abcdefghijklmnopqrstuvwxyz_-");

    /// <summary>
    /// Whether a text may be an id. Words of an API are short and of small letters, <c>_</c> and <c>-</c>; an id that was drawn by lot practically
    /// never is, and one that is a word can be guessed anyway.
    /// </summary>
    public static bool IsLikely(string text)
    {
        if (text.Length is 0 or > MostLength)
        {
            return false;
        }

        return text.Length > MostWordLength || text.AsSpan().ContainsAnyExcept(WordLetters);
    }

    /// <summary>The segments of a path below <c>/v1</c> that may be ids.</summary>
    public static IReadOnlyList<string> InPath(string path) => Array.FindAll(path.Split('/', StringSplitOptions.RemoveEmptyEntries), IsLikely);

    /// <summary>Under this it is kept. How letters are written, and what lenient readers cut off, makes no other object of it.</summary>
    public static string Hash(string id)
    {
        var end = id.IndexOf(';', StringComparison.Ordinal);
        var plain = (end < 0 ? id : id[..end]).Trim().TrimEnd('.').ToLowerInvariant();
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(plain)));
    }
}
