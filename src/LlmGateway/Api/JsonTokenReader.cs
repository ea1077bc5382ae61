using System.Buffers;
using System.Buffers.Text;
using System.Text;
using System.Text.Json;

namespace LlmGateway.Api;

/// <summary>
/// Reads JSON (RFC 8259) token by token, strictly, as <see cref="Utf8JsonReader"/> does, and with its names. It is here for prompts: after
/// the first escape in a string that reader goes byte by byte, and prompts are long strings full of line breaks; this one jumps from escape
/// to escape. It also notes escapes that are no text.
/// </summary>
internal ref struct JsonTokenReader(ReadOnlySpan<byte> json, int maxDepth)
{
    private static readonly SearchValues<byte> StringStops = SearchValues.Create([(byte)'"', (byte)'\\', .. Enumerable.Range(0, 0x20).Select(control => (byte)control)]);

    private readonly ReadOnlySpan<byte> _json = json;
    private readonly int _maxDepth = Math.Min(maxDepth, 64);
    private ulong _objects;
    private int _depth;
    private int _position;

    public JsonTokenType TokenType { get; private set; }

    /// <summary>Offset of the token, of its opening quote if it is a string.</summary>
    public int TokenStartIndex { get; private set; }

    public readonly int BytesConsumed => _position;

    /// <summary>The token's bytes, of a string what stands between the quotes.</summary>
    public ReadOnlySpan<byte> ValueSpan { get; private set; }

    public bool ValueIsEscaped { get; private set; }

    /// <summary>Whether the string escapes half of a surrogate pair, which no decoder can turn into text.</summary>
    public bool HasLoneSurrogate { get; private set; }

    /// <summary>What the string begins with, an escape or not: its UTF-16 unit or byte; -1 if it is empty.</summary>
    public readonly int FirstLetter => ValueSpan.IsEmpty ? -1 : FirstUnit(ValueSpan, out _);

    /// <summary>Goes to the next token; false at the end of a complete document.</summary>
    /// <exception cref="JsonException">The document is broken here.</exception>
    public bool Read()
    {
        SkipBlanks();
        if (TokenType == JsonTokenType.PropertyName)
        {
            Take((byte)':');
            SkipBlanks();
            return ReadValue();
        }

        if (_depth == 0)
        {
            return TokenType == JsonTokenType.None ? ReadValue() : _position == _json.Length ? false : throw Broken();
        }

        var inObject = (_objects >> (_depth - 1) & 1) != 0;
        if (Peek() == (inObject ? (byte)'}' : (byte)']'))
        {
            return Close(inObject);
        }

        if (TokenType is not (JsonTokenType.StartObject or JsonTokenType.StartArray))
        {
            Take((byte)',');
            SkipBlanks();
        }

        return inObject ? ReadName() : ReadValue();
    }

    /// <summary>Whether the string says this. It ends at the first letter that differs: a body may hold as many names as it has room for.</summary>
    /// <param name="ascii">ASCII alone, as all that the gateway looks for is.</param>
    public readonly bool ValueTextEquals(ReadOnlySpan<byte> ascii)
    {
        if (!ValueIsEscaped)
        {
            return ValueSpan.SequenceEqual(ascii);
        }

        var value = ValueSpan;
        foreach (var letter in ascii)
        {
            if (value.IsEmpty || FirstUnit(value, out var length) != letter)
            {
                return false;
            }

            value = value[length..];
        }

        return value.IsEmpty;
    }

    /// <summary>The string's text; it must not hold a lone surrogate.</summary>
    public readonly string GetString()
    {
        if (!ValueIsEscaped)
        {
            return Encoding.UTF8.GetString(ValueSpan);
        }

        var quoted = new Utf8JsonReader(_json.Slice(TokenStartIndex, ValueSpan.Length + 2));
        quoted.Read();
        return quoted.GetString()!;
    }

    public readonly bool TryGetInt64(out long number) => Utf8Parser.TryParse(ValueSpan, out number, out var read) && read == ValueSpan.Length;

    public readonly bool TryGetDouble(out double number) => Utf8Parser.TryParse(ValueSpan, out number, out var read) && read == ValueSpan.Length;

    private bool ReadName()
    {
        if (Peek() != (byte)'"')
        {
            throw Broken();
        }

        ReadString();
        TokenType = JsonTokenType.PropertyName;
        return true;
    }

    private bool ReadValue()
    {
        switch (Peek())
        {
            case (byte)'{':
                Open(isObject: true);
                break;
            case (byte)'[':
                Open(isObject: false);
                break;
            case (byte)'"':
                ReadString();
                TokenType = JsonTokenType.String;
                break;
            case (byte)'t':
                ReadLiteral("true"u8, JsonTokenType.True);
                break;
            case (byte)'f':
                ReadLiteral("false"u8, JsonTokenType.False);
                break;
            case (byte)'n':
                ReadLiteral("null"u8, JsonTokenType.Null);
                break;
            default:
                ReadNumber();
                break;
        }

        return true;
    }

    private void Open(bool isObject)
    {
        if (_depth == _maxDepth)
        {
            throw Broken($"The maximum depth of {_maxDepth} is exceeded.");
        }

        var bit = 1UL << _depth++;
        _objects = isObject ? _objects | bit : _objects & ~bit;
        Accept(isObject ? JsonTokenType.StartObject : JsonTokenType.StartArray, 1);
    }

    private bool Close(bool isObject)
    {
        _depth--;
        Accept(isObject ? JsonTokenType.EndObject : JsonTokenType.EndArray, 1);
        return true;
    }

    private void ReadLiteral(ReadOnlySpan<byte> literal, JsonTokenType type)
    {
        if (!_json[_position..].StartsWith(literal))
        {
            throw Broken();
        }

        Accept(type, literal.Length);
    }

    private void ReadString()
    {
        var start = _position;
        ValueIsEscaped = HasLoneSurrogate = false;
        _position++;
        while (true)
        {
            var stop = _json[_position..].IndexOfAny(StringStops);
            if (stop < 0)
            {
                _position = _json.Length;
                throw Broken();
            }

            _position += stop;
            if (_json[_position] == (byte)'"')
            {
                break;
            }

            ReadEscape();
        }

        TokenStartIndex = start;
        ValueSpan = _json[(start + 1).._position];
        _position++;
    }

    private void ReadEscape()
    {
        if (_json[_position] != (byte)'\\' || _position + 1 >= _json.Length)
        {
            throw Broken();
        }

        ValueIsEscaped = true;
        switch (_json[_position + 1])
        {
            case (byte)'"' or (byte)'\\' or (byte)'/' or (byte)'b' or (byte)'f' or (byte)'n' or (byte)'r' or (byte)'t':
                _position += 2;
                break;
            case (byte)'u':
                ReadUnicodeEscape();
                break;
            default:
                throw Broken();
        }
    }

    private void ReadUnicodeEscape()
    {
        var unit = ReadUnit(_json[_position..]);
        if (unit < 0)
        {
            throw Broken();
        }

        _position += 6;
        if (char.IsHighSurrogate((char)unit) && ReadUnit(_json[_position..]) is >= 0 and var low && char.IsLowSurrogate((char)low))
        {
            _position += 6;
        }
        else
        {
            HasLoneSurrogate |= char.IsSurrogate((char)unit);
        }
    }

    /// <summary>What a string begins with: an escape's UTF-16 unit, else the byte itself.</summary>
    private static int FirstUnit(ReadOnlySpan<byte> value, out int length)
    {
        if (value[0] != (byte)'\\')
        {
            length = 1;
            return value[0];
        }

        length = value[1] == (byte)'u' ? 6 : 2;
        return value[1] switch
        {
            (byte)'u' => ReadUnit(value),
            (byte)'b' => '\b',
            (byte)'f' => '\f',
            (byte)'n' => '\n',
            (byte)'r' => '\r',
            (byte)'t' => '\t',
            var other => other,
        };
    }

    /// <summary>The UTF-16 unit that an escape of the form <c>\uXXXX</c> stands for; -1 where there is none.</summary>
    private static int ReadUnit(ReadOnlySpan<byte> escape)
    {
        if (escape.Length < 6 || escape[0] != (byte)'\\' || escape[1] != (byte)'u')
        {
            return -1;
        }

        var unit = 0;
        foreach (var digit in escape[2..6])
        {
            if (!char.IsAsciiHexDigit((char)digit))
            {
                return -1;
            }

            unit = (unit << 4) | (digit <= (byte)'9' ? digit - '0' : (digit | 0x20) - 'a' + 10);
        }

        return unit;
    }

    private void ReadNumber()
    {
        var end = _position;
        if (Is(end, (byte)'-'))
        {
            end++;
        }

        end = Is(end, (byte)'0') ? end + 1 : Digits(end);
        if (Is(end, (byte)'.'))
        {
            end = Digits(end + 1);
        }

        if (Is(end, (byte)'e') || Is(end, (byte)'E'))
        {
            end++;
            end = Digits(Is(end, (byte)'+') || Is(end, (byte)'-') ? end + 1 : end);
        }

        Accept(JsonTokenType.Number, end - _position);
    }

    private readonly bool Is(int offset, byte wanted) => offset < _json.Length && _json[offset] == wanted;

    /// <summary>Offset behind one digit or more.</summary>
    private int Digits(int offset)
    {
        var end = offset;
        while (end < _json.Length && char.IsAsciiDigit((char)_json[end]))
        {
            end++;
        }

        if (end == offset)
        {
            _position = Math.Min(offset, _json.Length);
            throw Broken();
        }

        return end;
    }

    private void Accept(JsonTokenType type, int length)
    {
        TokenType = type;
        TokenStartIndex = _position;
        ValueSpan = _json.Slice(_position, length);
        ValueIsEscaped = HasLoneSurrogate = false;
        _position += length;
    }

    private void Take(byte wanted)
    {
        if (Peek() != wanted)
        {
            throw Broken();
        }

        _position++;
    }

    private readonly byte Peek() => _position < _json.Length ? _json[_position] : throw Broken();

    private void SkipBlanks()
    {
        while (_position < _json.Length && _json[_position] is (byte)' ' or (byte)'\n' or (byte)'\r' or (byte)'\t')
        {
            _position++;
        }
    }

    private readonly JsonException Broken(string message = "The document is not valid JSON.")
    {
        var read = _json[.._position];
        var lineStart = read.LastIndexOf((byte)'\n') + 1;
        return new JsonException(message, path: null, read.Count((byte)'\n'), _position - lineStart);
    }
}
