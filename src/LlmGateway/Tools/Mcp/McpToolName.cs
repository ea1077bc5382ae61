using System.Security.Cryptography;
using System.Text;

namespace LlmGateway.Tools.Mcp;

/// <summary>
/// The name by which models call an MCP server's tool: <c>server__tool</c>, letters, digits, <c>_</c> and <c>-</c>, 64 at most. Where this
/// form cannot hold a name, a hash of the whole stands behind it, so that no server can take the name of another's tool.
/// </summary>
internal static class McpToolName
{
    private const int MaxLength = 64;

    private const int MaxServerLength = 24;

    /// <summary>The name; null where the tool's own name holds what nobody sees.</summary>
    public static string? Of(string server, string tool)
    {
        if (tool.Length is 0 or > 256 || McpText.HasHidden(tool) || tool.AsSpan().ContainsAny('\n', '\r', '\t'))
        {
            return null;
        }

        var prefix = Alias(server) + "__";
        var plain = Plain(tool);
        return plain == tool && prefix.Length + plain.Length <= MaxLength ? prefix + plain : Marked(prefix, plain, tool, MaxLength);
    }

    /// <summary>The first <c>__</c> parts server and tool: a server's part holds none, and does not end in the middle of one.</summary>
    private static string Alias(string server)
    {
        var plain = Plain(server);
        return plain == server && plain.Length <= MaxServerLength && !plain.Contains("__", StringComparison.Ordinal) && !plain.EndsWith('_')
            ? plain
            : Marked("", plain.Replace("__", "_", StringComparison.Ordinal).TrimEnd('_'), server, MaxServerLength);
    }

    private static string Marked(string prefix, string plain, string whole, int maxLength)
    {
        var mark = "-" + Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(whole)))[..8];
        return prefix + plain[..Math.Min(plain.Length, maxLength - prefix.Length - mark.Length)] + mark;
    }

    private static string Plain(string name)
    {
        var plain = new StringBuilder(name.Length);
        foreach (var character in name)
        {
            plain.Append(char.IsAsciiLetterOrDigit(character) || character is '_' or '-' ? character : '_');
        }

        return plain.ToString();
    }
}
