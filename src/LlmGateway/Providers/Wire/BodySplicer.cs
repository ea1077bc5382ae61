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

    public ReadOnlyMemory<byte> Apply(ReadOnlyMemory<byte> body)
    {
        if (IsEmpty)
        {
            return body;
        }

        var edits = _edits;
        var length = body.Length;
        foreach (var (at, with) in edits)
        {
            length += with.Length - at.Length;
        }

        // A handful of edits: an insertion sort keeps equal offsets in order and allocates nothing.
        for (var i = 1; i < edits.Count; i++)
        {
            for (var j = i; j > 0 && edits[j - 1].At.Start > edits[j].At.Start; j--)
            {
                (edits[j - 1], edits[j]) = (edits[j], edits[j - 1]);
            }
        }

        var source = body.Span;
        var result = new byte[length];
        int read = 0, written = 0;
        foreach (var (at, with) in edits)
        {
            source[read..at.Start].CopyTo(result.AsSpan(written));
            written += at.Start - read;
            with.CopyTo(result, written);
            written += with.Length;
            read = at.End;
        }

        source[read..].CopyTo(result.AsSpan(written));
        return result;
    }
}
