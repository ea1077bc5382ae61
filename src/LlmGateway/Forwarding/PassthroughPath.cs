using System.Diagnostics.CodeAnalysis;

namespace LlmGateway.Forwarding;

/// <summary>
/// The path below <c>/v1</c> as a provider may get it. What two readers could take for different paths is refused: dot segments, empty
/// segments, backslashes, control characters, and whatever is still percent-encoded after decoding (slashes, or a second encoding).
/// </summary>
internal static class PassthroughPath
{
    public static bool TryRead(string? path, QueryString query, [NotNullWhen(true)] out string? pathAndQuery)
    {
        pathAndQuery = null;
        if (string.IsNullOrEmpty(path))
        {
            return false;
        }

        foreach (var character in path)
        {
            if (character is '%' or '\\' || char.IsControl(character))
            {
                return false;
            }
        }

        // One slash at the end is how some clients write a path; it goes on as it is.
        var segments = (path.EndsWith('/') ? path[..^1] : path).Split('/');
        foreach (var segment in segments)
        {
            if (segment is "" or "." or "..")
            {
                return false;
            }
        }

        pathAndQuery = new PathString("/" + path).ToUriComponent()[1..] + query.Value;
        return true;
    }
}
