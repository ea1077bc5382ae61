using LlmGateway.Model;
using Microsoft.Extensions.Primitives;

namespace LlmGateway.Access;

/// <summary>Reads who the call is for. Its values travel in headers to the internal API, so what could forge a header or a log line is refused.</summary>
internal static class CallerIdentity
{
    private const int MaxLength = 256;

    public static (Identity Identity, GatewayError? Error) Read(IHeaderDictionary headers, ClientKey key, GatewayConfig config)
    {
        var (userId, error) = ReadHeader(headers["X-User-Id"], "X-User-Id");
        var (userType, typeError) = ReadHeader(headers["X-User-Type"], "X-User-Type");
        if ((error ?? typeError) is { } refusal)
        {
            return (Identity.None, refusal);
        }

        return (new Identity(
            key.Ticket,
            (key.TrustsUserHeader ? userId : null) ?? key.UserId ?? config.UserId,
            (key.TrustsUserHeader ? userType : null) ?? config.UserType), null);
    }

    private static (string? Value, GatewayError? Error) ReadHeader(StringValues values, string name)
    {
        if (values.Count == 0)
        {
            return (null, null);
        }

        var value = values[0];
        if (values.Count > 1 || value is null || value.Length > MaxLength || value.AsSpan().ContainsAnyExceptInRange(' ', '~'))
        {
            return (null, GatewayError.Invalid(ErrorCodes.InvalidHeader, $"{name} must be given once, in printable ASCII, {MaxLength} characters at most.", name));
        }

        return (value.Length == 0 ? null : value, null);
    }
}
