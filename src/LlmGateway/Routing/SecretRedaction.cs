using System.Text.RegularExpressions;
using LlmGateway.Model;

namespace LlmGateway.Routing;

/// <summary>Takes secrets and addresses out of a provider's message before a client sees it: providers like to quote the key that they refuse.</summary>
internal static partial class SecretRedaction
{
    private const int LongestMessage = 2000;

    public static string Redact(string message, ProviderTarget target, string? ticket)
    {
        var text = message;
        foreach (var secret in new[] { target.ApiKey, target.Ticket, ticket })
        {
            if (!string.IsNullOrEmpty(secret))
            {
                text = text.Replace(secret, "[redacted]", StringComparison.Ordinal);
            }
        }

        if (target.Provider.BaseUrl is { } url)
        {
            text = text.Replace(url.Authority, "[provider]", StringComparison.OrdinalIgnoreCase);
        }

        text = KeyLike().Replace(text, "[redacted]");

        // Last, so that no secret is cut into something that is not recognised.
        return text.Length > LongestMessage ? text[..LongestMessage] + "…" : text;
    }

    // Keys as providers print them: "sk-…", "AIza…", "Bearer …", starred out or not.
    [GeneratedRegex(@"\b(sk-|AIza|gsk_|xai-)[A-Za-z0-9_*\-.]{6,}|(?<=\bBearer\s)\S+", RegexOptions.CultureInvariant)]
    private static partial Regex KeyLike();
}
