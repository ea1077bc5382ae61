using System.Net;

namespace LlmGateway.Configuration;

/// <summary>Tells whether an address that the gateway listens at can be reached from other machines.</summary>
internal static class ListenAddress
{
    /// <param name="url">As in <c>ASPNETCORE_URLS</c>: <c>http://localhost:8080</c>, <c>http://*:80</c>, <c>http://unix:/run/gateway.sock</c>.</param>
    public static bool IsLoopback(string url)
    {
        var scheme = url.IndexOf("://", StringComparison.Ordinal);
        var authority = scheme < 0 ? url : url[(scheme + 3)..];
        if (authority.StartsWith("unix:", StringComparison.OrdinalIgnoreCase) || authority.StartsWith("pipe:", StringComparison.OrdinalIgnoreCase))
        {
            return true;
        }

        var bracket = authority.StartsWith('[') ? authority.IndexOf(']') : -1;
        var host = bracket > 0 ? authority[1..bracket] : authority.Split(':', '/')[0];

        // Kestrel takes any name that is no address for "all addresses", localhost excepted.
        return host.Equals("localhost", StringComparison.OrdinalIgnoreCase) || (IPAddress.TryParse(host, out var address) && IsLoopback(address));
    }

    private static bool IsLoopback(IPAddress address) =>
        IPAddress.IsLoopback(address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address);
}
