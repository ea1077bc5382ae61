using System.Text;
using Base64Text = System.Buffers.Text.Base64;

namespace LlmGateway.Providers.Wire;

/// <summary>A <c>data:</c> URI (RFC 2397) taken apart: its media type without parameters, and its bytes as base64.</summary>
internal readonly record struct DataUri(string MediaType, string Base64)
{
    public const string Scheme = "data:";

    /// <summary>Reads <c>data:[type][;name=value…][;base64],…</c>; false where it is none, or its base64 is broken.</summary>
    public static bool TryParse(string uri, out DataUri parsed)
    {
        parsed = default;
        var comma = uri.IndexOf(',', StringComparison.Ordinal);
        if (!uri.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase) || comma < 0)
        {
            return false;
        }

        var head = uri[Scheme.Length..comma].Split(';', StringSplitOptions.TrimEntries);
        var payload = uri[(comma + 1)..];
        if (payload.Contains('%', StringComparison.Ordinal))
        {
            payload = Uri.UnescapeDataString(payload);
        }

        if (!head[^1].Equals("base64", StringComparison.OrdinalIgnoreCase))
        {
            parsed = new DataUri(head[0], Convert.ToBase64String(Encoding.UTF8.GetBytes(payload)));
            return true;
        }

        // Some clients write the URL-safe alphabet or leave the padding out; providers decode strictly.
        payload = payload.Replace('-', '+').Replace('_', '/');
        if (payload.Length % 4 is 2 or 3)
        {
            payload = payload.PadRight((payload.Length + 3) / 4 * 4, '=');
        }

        if (payload.Length == 0 || !Base64Text.IsValid(payload))
        {
            return false;
        }

        parsed = new DataUri(head.Length == 1 ? "" : head[0], payload);
        return true;
    }
}
