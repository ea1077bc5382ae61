using System.Text;

namespace LlmGateway.Providers;

/// <summary>What Gemini wants back with a function call: its own id for it, and the signatures of the thoughts that led to it.</summary>
/// <param name="HasOwnId">Whether the id came from Gemini: only then is it sent back.</param>
/// <param name="Signature">The call's own signature; of parallel calls only the first has one.</param>
/// <param name="TextSignature">The signature of the text before the calls; kept with the first call.</param>
internal readonly record struct GeminiCallState(bool HasOwnId, string? Signature, string? TextSignature)
{
    public bool IsWorthKeeping => HasOwnId || Signature is not null || TextSignature is not null;

    public static GeminiCallState Decode(ReadOnlySpan<byte> bytes)
    {
        var text = Encoding.UTF8.GetString(bytes);
        var lines = text.Split('\n');
        return lines.Length == 3 ? new GeminiCallState(lines[0] == "1", NullIfEmpty(lines[1]), NullIfEmpty(lines[2])) : default;
    }

    /// <summary>Three lines: a signature is base64 and holds none.</summary>
    public byte[] Encode() => Encoding.UTF8.GetBytes($"{(HasOwnId ? "1" : "0")}\n{Signature}\n{TextSignature}");

    private static string? NullIfEmpty(string text) => text.Length == 0 ? null : text;
}
