using System.Net;
using LlmGateway.Model;

namespace LlmGateway.Access;

/// <summary>
/// Who may call without a key in development: programs on this machine. A web page open in a browser here is not one of them, so the Host
/// must be this machine's own name (DNS rebinding), the Origin too, and nothing may have been forwarded by a proxy.
/// </summary>
internal static class LoopbackRule
{
    /// <param name="context">The call.</param>
    /// <param name="origins">Origins whose pages may call even so (<c>GATEWAY_CORS_ORIGINS</c>).</param>
    public static GatewayError? Check(HttpContext context, IReadOnlyList<string> origins)
    {
        var headers = context.Request.Headers;
        if (context.Connection.RemoteIpAddress is { } address && !IPAddress.IsLoopback(address))
        {
            return Refuse("calls from other machines need a client key: set GATEWAY_API_KEYS");
        }

        if (!IsLocalHost(context.Request.Host.Host))
        {
            return Refuse("the Host header must be localhost, 127.0.0.1 or [::1]");
        }

        foreach (var origin in headers.Origin)
        {
            var isListed = origins.Contains(origin, StringComparer.OrdinalIgnoreCase);
            if (!isListed && (!Uri.TryCreate(origin, UriKind.Absolute, out var uri) || !IsLocalHost(uri.Host)))
            {
                return Refuse("a web page of another origin may not call the gateway");
            }
        }

        if (IsForwarded(headers))
        {
            return Refuse("forwarded calls need a client key: set GATEWAY_API_KEYS");
        }

        return null;
    }

    private static bool IsForwarded(IHeaderDictionary headers)
    {
        foreach (var (name, _) in headers)
        {
            if (name.Equals("Forwarded", StringComparison.OrdinalIgnoreCase) || name.StartsWith("X-Forwarded-", StringComparison.OrdinalIgnoreCase))
            {
                return true;
            }
        }

        return false;
    }

    private static bool IsLocalHost(string host) =>
        host.Equals("localhost", StringComparison.OrdinalIgnoreCase) || host is "127.0.0.1" or "[::1]" or "::1";

    private static GatewayError Refuse(string why) =>
        new(403, ErrorTypes.Permission, ErrorCodes.Forbidden, $"Without client keys the gateway serves this machine alone: {why}.");
}
