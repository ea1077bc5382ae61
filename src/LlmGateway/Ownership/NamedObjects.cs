using System.Buffers;
using System.Text;

namespace LlmGateway.Ownership;

/// <summary>
/// Finds in a JSON body, as it goes by, the objects that it names: texts under members such as <c>previous_response_id</c>,
/// <c>input_file_id</c>, <c>file_ids</c> or <c>conversation</c>, and the <c>id</c> of an object under one of these: any other <c>id</c> is
/// the sender's word for what it sends. It keeps one text at a time, and of a long one nothing. A body that is no JSON names nothing in particular.
/// </summary>
/// <param name="isFile">Whether it is part of something else, line by line: what broke off in one line tells nothing of the next.</param>
internal sealed class NamedObjects(bool isFile = false) : INamedObjects
{
    /// <summary>Bodies nest no deeper; below it the name of the level above counts.</summary>
    private const int MostDepth = 256;

    /// <summary>In UTF-8 no letter takes more bytes.</summary>
    private const int MostBytes = ObjectId.MostLength * 4;

    /// <summary>Between texts, all else is words, numbers and space.</summary>
    private static readonly SearchValues<byte> Marks = SearchValues.Create("\"{}[]\n"u8);

    /// <summary>In a text, all else is its own; JSON holds no control characters there.</summary>
    private static readonly SearchValues<byte> TextMarks = SearchValues.Create([.. Enumerable.Range(0, ' ').Select(static code => (byte)code), (byte)'"', (byte)'\\']);

    private readonly List<string> _found = [];
    private readonly Stack<bool> _levels = new();
    private readonly byte[] _text = new byte[MostBytes];
    private int _length;
    private int _unit;
    private int _digits;
    private int _deeper;
    private string? _ended;
    private bool _isReference;
    private Place _place;

    private enum Place
    {
        Between,
        Text,
        Escape,
        Unit,
    }

    /// <summary>What was named since this was last asked for.</summary>
    public IReadOnlyCollection<string> TakeFound()
    {
        if (_found.Count == 0)
        {
            return [];
        }

        string[] taken = [.. _found];
        _found.Clear();
        return taken;
    }

    public void Read(ReadOnlySpan<byte> piece)
    {
        while (!piece.IsEmpty)
        {
            var plain = _place switch
            {
                Place.Between when _ended is null => piece.IndexOfAny(Marks),
                Place.Text => piece.IndexOfAny(TextMarks),
                _ => 0,
            };
            plain = plain < 0 ? piece.Length : plain;
            if (_place == Place.Text)
            {
                Keep(piece[..plain]);
            }

            if (plain < piece.Length)
            {
                ReadMark(piece[plain++]);
            }

            piece = piece[plain..];
        }
    }

    private void ReadMark(byte next)
    {
        if (next == 0)
        {
            // JSON holds none; a body in UTF-16, which some providers read all the same, is one letter in two without them.
            return;
        }

        if (isFile && next < ' ' && (_place != Place.Between || (next == '\n' && _deeper > 0)))
        {
            Restart();
            return;
        }

        switch (_place)
        {
            case Place.Between:
                ReadBetween(next);
                break;
            case Place.Text:
                ReadText(next);
                break;
            case Place.Escape:
                ReadEscape(next);
                break;
            default:
                ReadUnit(next);
                break;
        }
    }

    private void Restart()
    {
        (_place, _ended, _isReference, _deeper) = (Place.Between, null, false, 0);
        _levels.Clear();
    }

    private void ReadBetween(byte next)
    {
        if (next is (byte)' ' or (byte)'\t' or (byte)'\r' or (byte)'\n')
        {
            return;
        }

        // What comes after a text tells what it was.
        if (_ended is { } text)
        {
            _ended = null;
            if (next == ':')
            {
                _isReference = IsReference(text);
            }
            else if (_isReference && ObjectId.IsLikely(text))
            {
                _found.Add(text);
            }
        }

        switch (next)
        {
            case (byte)'"':
                (_place, _length) = (Place.Text, 0);
                break;
            case (byte)'{' or (byte)'[':
                Enter();
                break;
            case (byte)'}' or (byte)']':
                Leave();
                break;
        }
    }

    private void ReadText(byte next)
    {
        if (next == '"')
        {
            (_place, _ended) = (Place.Between, _length <= MostBytes ? Encoding.UTF8.GetString(_text, 0, _length) : "");
        }
        else if (next == '\\')
        {
            _place = Place.Escape;
        }
        else
        {
            Keep(next);
        }
    }

    private void ReadEscape(byte next)
    {
        (_place, _unit, _digits) = (next == 'u' ? Place.Unit : Place.Text, 0, 0);
        if (next != 'u')
        {
            Keep(next switch { (byte)'n' => (byte)'\n', (byte)'t' => (byte)'\t', (byte)'r' => (byte)'\r', (byte)'b' => (byte)'\b', (byte)'f' => (byte)'\f', _ => next });
        }
    }

    private void ReadUnit(byte next)
    {
        _unit = (_unit << 4) | (char.IsAsciiHexDigit((char)next) ? Convert.ToInt32(((char)next).ToString(), 16) : 0);
        if (++_digits < 4)
        {
            return;
        }

        // Ids hold no letter that takes two of these; half of one matches none.
        _place = Place.Text;
        Span<byte> bytes = stackalloc byte[4];
        var rune = Rune.IsValid(_unit) ? new Rune(_unit) : Rune.ReplacementChar;
        foreach (var one in bytes[..rune.EncodeToUtf8(bytes)])
        {
            Keep(one);
        }
    }

    private void Keep(byte next) => Keep([next]);

    private void Keep(ReadOnlySpan<byte> next)
    {
        next[..Math.Min(next.Length, Math.Max(0, MostBytes - _length))].CopyTo(_text.AsSpan(Math.Min(_length, MostBytes)));
        _length = Math.Min(_length + next.Length, MostBytes + 1);
    }

    /// <summary>A list belongs to the member that it stands under; so does what comes in it after an object.</summary>
    private void Enter()
    {
        if (_levels.Count < MostDepth)
        {
            _levels.Push(_isReference);
        }
        else
        {
            _deeper++;
        }
    }

    private void Leave()
    {
        if (_deeper > 0)
        {
            _deeper--;
        }
        else if (_levels.TryPop(out var before))
        {
            _isReference = before;
        }
    }

    private bool IsReference(string name) => name.Equals("id", StringComparison.OrdinalIgnoreCase)
        ? _levels.TryPeek(out var isUnderOne) && isUnderOne
        : ReferenceName.IsMember(name);
}
