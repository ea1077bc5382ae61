using System.Text;

namespace LlmGateway.Ownership;

/// <summary>Objects that a query or an encoded form names: values of parameters such as <c>after</c>, <c>file_id</c> or <c>file_ids[]</c>, one or several with commas between them.</summary>
internal sealed class NamedInPairs : INamedObjects
{
    /// <summary>A longer pair holds no id.</summary>
    private const int MostBytes = 8 * 1024;

    private readonly List<string> _found = [];
    private readonly List<byte> _pair = [];
    private bool _isTooLong;

    /// <summary>What a query names, with or without its question mark.</summary>
    public static IReadOnlyCollection<string> InQuery(string? query)
    {
        var pairs = new NamedInPairs();
        pairs.Read(Encoding.UTF8.GetBytes(query?.TrimStart('?') ?? ""));
        return pairs.TakeFound();
    }

    public IReadOnlyCollection<string> TakeFound()
    {
        // The last pair has no end of its own: it counts as far as it has come.
        ReadPair();
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
        foreach (var next in piece)
        {
            if (next is (byte)'&' or (byte)';')
            {
                ReadPair();
                _pair.Clear();
                _isTooLong = false;
            }
            else if (_pair.Count < MostBytes)
            {
                _pair.Add(next);
            }
            else
            {
                _isTooLong = true;
            }
        }
    }

    private void ReadPair()
    {
        if (_isTooLong || _pair.Count == 0)
        {
            return;
        }

        var text = Encoding.UTF8.GetString([.. _pair]);
        if (text.IndexOf('=', StringComparison.Ordinal) is > 0 and var at && ReferenceName.IsField(Decode(text[..at]).Trim()))
        {
            _found.AddRange(Decode(text[(at + 1)..]).Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries).Where(ObjectId.IsLikely));
        }
    }

    private static string Decode(string text) => Uri.UnescapeDataString(text.Replace('+', ' '));
}
