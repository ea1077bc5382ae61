using System.Text.Json;

namespace LlmGateway.Api;

/// <summary>
/// The member names of the objects that a scan is inside of. Small objects are compared name by name; the names of large ones go to a
/// table, so that a million members cost no more than linear time.
/// </summary>
internal sealed class DuplicateNames
{
    private const int TableFrom = 12;

    private readonly List<(int Start, int Length)> _names = new(32);
    private readonly List<(int First, int Number)> _objects = new(8);
    private NameTable? _table;
    private byte[] _decoded = [];
    private int _decodedLength;
    private int _numbered;

    public void Enter() => _objects.Add((_names.Count, 0));

    public void Leave()
    {
        var (first, _) = _objects[^1];
        _names.RemoveRange(first, _names.Count - first);
        _objects.RemoveAt(_objects.Count - 1);
    }

    /// <summary>Adds a name to the innermost object; false if it stands there already.</summary>
    /// <param name="body">The whole body, the same in every call.</param>
    /// <param name="start">Where the name begins, behind its quote.</param>
    /// <param name="length">Bytes between the quotes.</param>
    /// <param name="isEscaped">Whether there are escapes in it; none is half of a surrogate pair.</param>
    public bool TryAdd(ReadOnlySpan<byte> body, int start, int length, bool isEscaped)
    {
        if (isEscaped)
        {
            (start, length) = Decode(body.Slice(start - 1, length + 2));
        }

        var names = new NameBytes(body, _decoded);
        var (first, number) = _objects[^1];
        if (number == 0 && _names.Count - first < TableFrom)
        {
            return TryAdd(names, first, start, length);
        }

        if (number == 0)
        {
            _table ??= new NameTable();
            number = ++_numbered;
            _objects[^1] = (first, number);
            for (var i = first; i < _names.Count; i++)
            {
                _table.TryAdd(names, number, _names[i].Start, _names[i].Length);
            }
        }

        return _table!.TryAdd(names, number, start, length);
    }

    private bool TryAdd(NameBytes names, int first, int start, int length)
    {
        var name = names.Slice(start, length);
        for (var i = first; i < _names.Count; i++)
        {
            if (name.SequenceEqual(names.Slice(_names[i].Start, _names[i].Length)))
            {
                return false;
            }
        }

        _names.Add((start, length));
        return true;
    }

    /// <summary>Puts the name that a quoted one stands for behind the other decoded ones, which are shorter than the body in all.</summary>
    private (int Start, int Length) Decode(ReadOnlySpan<byte> quoted)
    {
        if (_decoded.Length - _decodedLength < quoted.Length)
        {
            Array.Resize(ref _decoded, Math.Max(_decodedLength + quoted.Length, _decoded.Length * 2));
        }

        var reader = new Utf8JsonReader(quoted);
        reader.Read();
        var length = reader.CopyString(_decoded.AsSpan(_decodedLength));
        var start = NameBytes.DecodedStart(_decodedLength);
        _decodedLength += length;
        return (start, length);
    }
}
