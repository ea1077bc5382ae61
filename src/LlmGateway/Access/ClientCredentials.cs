using LlmGateway.Model;
using Microsoft.Extensions.Primitives;

namespace LlmGateway.Access;

/// <summary>Finds the one key that a request presents, in any of the headers that SDKs use.</summary>
internal static class ClientCredentials
{
    private const string Scheme = "Bearer ";

    /// <summary>The key, null where none is presented; an error where two different ones are.</summary>
    public static (string? Key, GatewayError? Error) Read(IHeaderDictionary headers)
    {
        string? key = null;
        var isAmbiguous = false;
        foreach (var value in headers.Authorization)
        {
            if (value is not null && value.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase))
            {
                Take(value[Scheme.Length..].Trim(), ref key, ref isAmbiguous);
            }
        }

        TakeAll(headers["x-api-key"], ref key, ref isAmbiguous);
        TakeAll(headers["api-key"], ref key, ref isAmbiguous);
        return isAmbiguous
            ? (null, new GatewayError(401, ErrorTypes.InvalidRequest, ErrorCodes.InvalidApiKey, "The request presents two different keys. Send one."))
            : (key, null);
    }

    private static void TakeAll(StringValues values, ref string? key, ref bool isAmbiguous)
    {
        foreach (var value in values)
        {
            Take(value, ref key, ref isAmbiguous);
        }
    }

    private static void Take(string? value, ref string? key, ref bool isAmbiguous)
    {
        if (!string.IsNullOrEmpty(value))
        {
            isAmbiguous |= key is not null && key != value;
            key = value;
        }
    }
}
