using LlmGateway.Api;
using LlmGateway.Model;

namespace LlmGateway.Surfaces;

/// <summary>The way of a request from a client's form into OpenAI's.</summary>
internal static class SurfaceRequest
{
    private const int LongestHeader = 1024;

    public static ClientCall Read(IClientDialect dialect, ReadOnlyMemory<byte> body, GatewayConfig config, string? agent) =>
        RequestScanner.CheckObject(body.Span) is { } error ? ClientCall.Refuse(error) : dialect.ReadRequest(body, config, agent);

    /// <summary>The headers that belong to the client's own form; a value that could forge another header is refused.</summary>
    public static (IReadOnlyList<KeyValuePair<string, string>> Headers, GatewayError? Error) ReadHeaders(IClientDialect? dialect, IHeaderDictionary headers)
    {
        if (dialect is null || dialect.NativeHeaders.Count == 0)
        {
            return ([], null);
        }

        List<KeyValuePair<string, string>> known = [];
        foreach (var name in dialect.NativeHeaders)
        {
            if (headers[name] is not { Count: > 0 } values)
            {
                continue;
            }

            var value = string.Join(',', values.ToArray());
            if (value.Length > LongestHeader || value.AsSpan().ContainsAnyExceptInRange(' ', '~'))
            {
                return ([], GatewayError.Invalid(ErrorCodes.InvalidHeader, $"{name} must be printable ASCII, {LongestHeader} characters at most.", name));
            }

            known.Add(new(name, value));
        }

        return (known, null);
    }
}
