using Microsoft.Extensions.Primitives;

namespace LlmGateway.Access;

/// <summary>The caller's trace context (W3C Trace Context, section 3.2): version 00, well-formed, or none.</summary>
internal static class TraceParent
{
    private const int Length = 55;

    public static string? Read(StringValues header) => header.Count == 1 && header[0] is { Length: Length } value && IsWellFormed(value) ? value : null;

    private static bool IsWellFormed(string value)
    {
        for (var i = 0; i < Length; i++)
        {
            var isExpected = i is 2 or 35 or 52 ? value[i] == '-' : char.IsAsciiDigit(value[i]) || value[i] is >= 'a' and <= 'f';
            if (!isExpected)
            {
                return false;
            }
        }

        // Ids of zeros alone are invalid.
        return value.StartsWith("00", StringComparison.Ordinal) && value.AsSpan(3, 32).ContainsAnyExcept('0') && value.AsSpan(36, 16).ContainsAnyExcept('0');
    }
}
