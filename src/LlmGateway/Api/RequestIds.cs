using System.Buffers;
using Microsoft.Extensions.Primitives;

namespace LlmGateway.Api;

/// <summary>The <c>X-Request-Id</c> of a request: the client's own where it is well-formed, else one of the gateway's.</summary>
internal static class RequestIds
{
    public const string Header = "X-Request-Id";

    private const int MaxLength = 128;

    private static readonly SearchValues<char> Allowed = SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-");

    public static string Choose(StringValues header, Guid recordId) =>
        header.Count == 1 && IsWellFormed(header[0]) ? header[0]! : recordId.ToString("N");

    /// <summary>1 to 128 of <c>[A-Za-z0-9._-]</c>; session ids follow the same rule.</summary>
    public static bool IsWellFormed(string? id) => id is { Length: > 0 and <= MaxLength } && !id.AsSpan().ContainsAnyExcept(Allowed);
}
