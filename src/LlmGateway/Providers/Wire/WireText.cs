using System.Buffers.Text;
using System.Text.Json;

namespace LlmGateway.Providers.Wire;

/// <summary>
/// A piece of text on its way to the client: plain UTF-8, or a JSON string as the provider wrote it. The second kind is copied as it
/// stands, so that a streamed token is neither unescaped nor escaped again.
/// </summary>
internal readonly ref struct WireText
{
    private readonly ReadOnlySpan<byte> _bytes;
    private readonly bool _isJson;

    private WireText(ReadOnlySpan<byte> bytes, bool isJson)
    {
        _bytes = bytes;
        _isJson = isJson;
    }

    public static WireText None => default;

    public bool IsEmpty => Inside.IsEmpty;

    /// <summary>Text as it is meant; must be valid UTF-8.</summary>
    public static WireText Plain(ReadOnlySpan<byte> utf8) => new(utf8, isJson: false);

    /// <summary>A JSON string value that a reader has accepted, quotes included; no bytes are no text.</summary>
    public static WireText Json(ReadOnlySpan<byte> quoted) => quoted.IsEmpty ? default : new(quoted, isJson: true);

    /// <summary>Bytes of UTF-8 that the text stands for.</summary>
    public int Utf8Length
    {
        get
        {
            var inside = Inside;
            if (!_isJson || !inside.Contains((byte)'\\'))
            {
                return inside.Length;
            }

            var length = 0;
            for (var i = 0; i < inside.Length; i++, length++)
            {
                if (inside[i] != (byte)'\\' || inside[++i] != (byte)'u')
                {
                    continue;
                }

                // Half of a surrogate pair stands for two of its four bytes.
                _ = Utf8Parser.TryParse(inside.Slice(i + 1, 4), out ushort unit, out _, 'X');
                length += unit < 0x80 ? 0 : unit < 0x800 || char.IsSurrogate((char)unit) ? 1 : 2;
                i += 4;
            }

            return length;
        }
    }

    private ReadOnlySpan<byte> Inside => _isJson ? _bytes[1..^1] : _bytes;

    /// <summary>Writes the text as a JSON string value.</summary>
    public void WriteTo(Utf8JsonWriter writer)
    {
        if (_isJson)
        {
            writer.WriteRawValue(_bytes, skipInputValidation: true);
        }
        else
        {
            writer.WriteStringValue(_bytes);
        }
    }
}
