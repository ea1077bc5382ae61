using LlmGateway.Model;

namespace LlmGateway.Providers.Wire;

/// <summary>Derives a new body from the original by a few replacements; every byte that is not replaced is copied as it came.</summary>
public sealed class BodySplicer
{
    private readonly List<(JsonRange At, byte[] With)> _edits = new(4);

    public bool IsEmpty => _edits.Count == 0;

    /// <summary>Puts <paramref name="bytes"/> in front of the byte at <paramref name="offset"/>; several at one place keep their order.</summary>
    public void Insert(int offset, byte[] bytes) => _edits.Add((new JsonRange(offset, 0), bytes));

    public void Replace(JsonRange range, byte[] bytes) => _edits.Add((range, bytes));

    /// <summary>Takes out one member of an object with one of the commas beside it.</summary>
    /// <param name="body">The original.</param>
    /// <param name="start">Offset of the member's name.</param>
    /// <param name="end">Offset behind its value.</param>
    public void RemoveMember(ReadOnlySpan<byte> body, int start, int end)
    {
        var behind = end;
        while (behind < body.Length && body[behind] is (byte)' ' or (byte)'\t' or (byte)'\r' or (byte)'\n')
        {
            behind++;
        }

        if (behind < body.Length && body[behind] == (byte)',')
        {
            end = behind + 1;
        }
        else if (body[..start].TrimEnd(" \t\r\n"u8) is [.., (byte)','] before)
        {
            start = before.Length - 1;
        }

        Replace(new JsonRange(start, end - start), []);
    }

    public SplicedBody Apply(ReadOnlyMemory<byte> body)
    {
        if (_edits.Count == 0)
        {
            return SplicedBody.Whole(body);
        }

        Sort();
        var pieces = new ReadOnlyMemory<byte>[(_edits.Count * 2) + 1];
        int read = 0, count = 0, length = body.Length;
        foreach (var (at, with) in _edits)
        {
            pieces[count++] = body[read..at.Start];
            pieces[count++] = with;
            length += with.Length - at.Length;
            read = at.End;
        }

        pieces[count] = body[read..];
        return new SplicedBody(pieces, length);
    }

    // A handful of edits: an insertion sort keeps equal offsets in order and allocates nothing.
    private void Sort()
    {
        for (var i = 1; i < _edits.Count; i++)
        {
            for (var j = i; j > 0 && _edits[j - 1].At.Start > _edits[j].At.Start; j--)
            {
                (_edits[j - 1], _edits[j]) = (_edits[j], _edits[j - 1]);
            }
        }
    }
}
