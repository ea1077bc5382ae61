using System.Buffers;
using System.Text;
using System.Text.RegularExpressions;

namespace LlmGateway.Ownership;

/// <summary>
/// Objects that a form in parts names: values of fields such as <c>file_id</c> or <c>file_ids[]</c>, and JSON wherever it stands, be it in
/// an uploaded file, as the lines of a batch are. It goes by lines and needs no boundary: whoever reads a form by other rules than the provider is misled.
/// </summary>
internal sealed partial class NamedInForm : INamedObjects
{
    private const int MostLine = 2048;

    private const int MostHead = 8 * 1024;

    private static ReadOnlySpan<byte> Disposition => "content-disposition"u8;

    /// <summary>Every name of a reference holds one of these; most heads hold none, and need no closer look.</summary>
    private static readonly SearchValues<string> Hints = SearchValues.Create(["id", "file", "after", "before", "conversation", "container", "thread", "\\", "name*", "name "], StringComparison.OrdinalIgnoreCase);

    private readonly NamedObjects _json = new(isFile: true);
    private readonly List<string> _found = [];
    private readonly byte[] _line = new byte[MostLine];
    private readonly StringBuilder _text = new();
    private int _length;
    private Place _place;

    private enum Place
    {
        Elsewhere,
        Head,
        Value,
    }

    public void Read(ReadOnlySpan<byte> piece)
    {
        _json.Read(piece);
        while (!piece.IsEmpty)
        {
            var end = piece.IndexOf((byte)'\n');
            var part = end < 0 ? piece : piece[..end];
            var kept = part[..Math.Min(part.Length, MostLine - _length)];
            kept.CopyTo(_line.AsSpan(_length));
            _length += kept.Length;
            if (end < 0)
            {
                return;
            }

            if (_place != Place.Elsewhere || IsDisposition())
            {
                ReadLine(Encoding.UTF8.GetString(_line, 0, _length).TrimEnd('\r'));
            }

            _length = 0;
            piece = piece[(end + 1)..];
        }
    }

    public IReadOnlyCollection<string> TakeFound()
    {
        var named = _json.TakeFound();
        if (_place == Place.Value)
        {
            // It goes to the provider before it is seen that it is whole.
            var line = Encoding.UTF8.GetString(_line, 0, _length);
            AddValue(line.StartsWith("--", StringComparison.Ordinal) ? "" : line);
        }

        if (_found.Count == 0)
        {
            return named;
        }

        string[] taken = [.. named, .. _found];
        _found.Clear();
        return taken;
    }

    private bool IsDisposition() => _length > Disposition.Length && Ascii.EqualsIgnoreCase(_line.AsSpan(0, Disposition.Length), Disposition);

    private void ReadLine(string line)
    {
        switch (_place)
        {
            case Place.Value when line.StartsWith("--", StringComparison.Ordinal):
                AddValue("");
                _place = Place.Elsewhere;
                break;
            case Place.Value:
                Keep(line);
                break;
            case Place.Head when line.Length == 0:
                _place = IsReference(_text.ToString()) ? Place.Value : Place.Elsewhere;
                _text.Clear();
                break;
            case Place.Head:
                Keep(line);
                break;
            default:
                _place = Place.Head;
                _text.Clear();
                Keep(line);
                break;
        }
    }

    private void Keep(string line)
    {
        if (_text.Length + line.Length <= MostHead)
        {
            _text.Append(line).Append('\n');
        }
    }

    private void AddValue(string last)
    {
        var value = (_text + last).Trim();
        _found.AddRange(value.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries).Where(ObjectId.IsLikely));
    }

    /// <summary>Whether a part's head tells of a field that holds ids. What has a file name is a file; a head without a plain name may be any field.</summary>
    private static bool IsReference(string head)
    {
        if (head.Contains("name=", StringComparison.OrdinalIgnoreCase) && !head.AsSpan().ContainsAny(Hints))
        {
            return false;
        }

        bool? isReference = null;
        foreach (var parameter in Parameter().EnumerateMatches(head))
        {
            var (name, value) = Split(head.AsSpan(parameter.Index, parameter.Length));
            if (name.StartsWith("filename", StringComparison.OrdinalIgnoreCase) && value.Length > 0)
            {
                return false;
            }

            if (name.StartsWith("name", StringComparison.OrdinalIgnoreCase))
            {
                isReference = isReference is true || name.EndsWith('*') || ReferenceName.IsField(value);
            }
        }

        return isReference ?? true;
    }

    private static (string Name, string Value) Split(ReadOnlySpan<char> parameter)
    {
        var at = parameter.IndexOf('=');
        return (parameter[1..at].Trim().ToString(), parameter[(at + 1)..].Trim().Trim('"').ToString().Replace("\\", "", StringComparison.Ordinal));
    }

    [GeneratedRegex("""
        ;\s*[^=;\s]+\s*=\s*(?:"(?:[^"\\]|\\.)*"|[^;\s]*)
        """, RegexOptions.IgnorePatternWhitespace)]
    private static partial Regex Parameter();
}
