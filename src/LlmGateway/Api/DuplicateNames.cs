using System.Text;
using System.Text.Json;

namespace LlmGateway.Api;

/// <summary>
/// The member names of the objects that a scan is inside of. Small objects are compared name by name; a large one gets a set, so that a
/// million members cost no more than linear time.
/// </summary>
internal sealed class DuplicateNames
{
    private const int SetFrom = 24;

    private readonly List<(int Start, int Length)> _names = new(32);
    private readonly List<(int First, HashSet<string>? Set)> _objects = new(8);

    public void Enter() => _objects.Add((_names.Count, null));

    public void Leave()
    {
        var (first, _) = _objects[^1];
        _names.RemoveRange(first, _names.Count - first);
        _objects.RemoveAt(_objects.Count - 1);
    }

    /// <summary>Adds a name to the innermost object; false if it stands there already.</summary>
    public bool TryAdd(ReadOnlySpan<byte> body, int start, int length, bool isEscaped)
    {
        var (first, set) = _objects[^1];
        if (set is null && (isEscaped || _names.Count - first >= SetFrom))
        {
            set = new HashSet<string>(StringComparer.Ordinal);
            for (var i = first; i < _names.Count; i++)
            {
                set.Add(Text(body.Slice(_names[i].Start, _names[i].Length)));
            }

            _objects[^1] = (first, set);
        }

        var name = body.Slice(start, length);
        if (set is not null)
        {
            return set.Add(Text(name));
        }

        for (var i = first; i < _names.Count; i++)
        {
            if (name.SequenceEqual(body.Slice(_names[i].Start, _names[i].Length)))
            {
                return false;
            }
        }

        _names.Add((start, length));
        return true;
    }

    private static string Text(ReadOnlySpan<byte> name)
    {
        if (!name.Contains((byte)'\\'))
        {
            return Encoding.UTF8.GetString(name);
        }

        var quoted = new byte[name.Length + 2];
        quoted[0] = quoted[^1] = (byte)'"';
        name.CopyTo(quoted.AsSpan(1));
        var reader = new Utf8JsonReader(quoted);
        reader.Read();
        return reader.GetString()!;
    }
}
