using System.Security.Cryptography;
using System.Text;
using LlmGateway.Configuration;
using LlmGateway.Model;

namespace LlmGateway.Access;

/// <summary>
/// Who may administrate: the holder of <c>ADMIN_API_KEY</c>. Without such a key there is no administration in production, and in
/// development it is open to programs on this machine alone.
/// </summary>
internal static class AdminAccess
{
    private const string Scheme = "Bearer ";

    public static GatewayError? Check(HttpContext context, HostSettings settings)
    {
        if (settings.AdminKey is not { } key)
        {
            // Pages of listed origins may chat; that does not let them administrate.
            return settings.IsDevelopment && LoopbackRule.Check(context, origins: []) is null
                ? null
                : new GatewayError(404, ErrorTypes.InvalidRequest, ErrorCodes.NotFound, $"There is no {context.Request.Method} endpoint at this path.");
        }

        var header = context.Request.Headers.Authorization;
        var presented = header.Count == 1 && header[0] is { } value && value.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase) ? value[Scheme.Length..].Trim() : "";
        return IsSame(presented, key)
            ? null
            : new GatewayError(401, ErrorTypes.InvalidRequest, ErrorCodes.InvalidApiKey, "Administration needs the admin key: 'Authorization: Bearer ADMIN_API_KEY'.");
    }

    /// <summary>Compares hashes, which are of one length, in constant time: timing tells nothing of the key.</summary>
    private static bool IsSame(string presented, string key) =>
        CryptographicOperations.FixedTimeEquals(SHA256.HashData(Encoding.UTF8.GetBytes(presented)), SHA256.HashData(Encoding.UTF8.GetBytes(key)));
}
