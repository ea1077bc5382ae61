using System.Diagnostics.CodeAnalysis;

namespace LlmGateway.Configuration;

/// <summary>The rule for every address in configuration; its messages never show the address, which may hold a password.</summary>
internal static class BaseUrls
{
    public static bool TryParse(string text, [NotNullWhen(true)] out Uri? url, out string reason)
    {
        reason = "";
        if (!Uri.TryCreate(text, UriKind.Absolute, out url) || (url.Scheme != Uri.UriSchemeHttp && url.Scheme != Uri.UriSchemeHttps) || url.Host.Length == 0)
        {
            reason = "must be an absolute http:// or https:// address";
        }
        else if (url.UserInfo.Length > 0)
        {
            reason = "must not hold a user or password";
        }
        else if (text.Contains('?') || text.Contains('#'))
        {
            reason = "must not hold a query (?) or fragment (#)";
        }

        return reason.Length == 0;
    }
}
