using System.Buffers;

namespace LlmGateway.Providers.Wire;

/// <summary>
/// Server-sent events as the WHATWG rules have them (HTML, section 9.2.6): LF, CRLF or CR ends a line, one BOM is skipped, several
/// <c>data:</c> lines join with LF. It differs in one thing: a last event that lacks its blank line is handed out at the end, because real
/// providers forget it; whether it is whole is for the translator to judge.
/// </summary>
internal sealed class SseFramer : WireFramer
{
    private readonly ArrayBufferWriter<byte> _joined = new();
    private bool _atStart = true;
    private int _lineStart;
    private int _searched;

    public override bool TryRead(ReadOnlySpan<byte> unread, bool isFinal, out WireEvent wireEvent, out int consumed)
    {
        wireEvent = default;
        consumed = 0;
        if (_atStart && !SkipByteOrderMark(unread, isFinal, ref consumed))
        {
            return false;
        }

        var rest = unread[consumed..];
        while (_lineStart < rest.Length)
        {
            var lineEnd = FindLineEnd(rest, isFinal, out var next);
            if (lineEnd < 0)
            {
                if (!isFinal)
                {
                    return false;
                }

                break;
            }

            if (lineEnd != _lineStart)
            {
                _lineStart = _searched = next;
                continue;
            }

            // An empty line: what stands before it is one event (or nothing but more empty lines).
            var raw = rest[..next];
            var hasFields = lineEnd > 0;
            consumed += next;
            _lineStart = _searched = 0;
            if (hasFields)
            {
                wireEvent = Parse(raw);
                return true;
            }

            rest = unread[consumed..];
        }

        if (!isFinal || rest.IsEmpty)
        {
            return false;
        }

        _lineStart = _searched = 0;
        consumed = unread.Length;
        wireEvent = Parse(rest);
        return true;
    }

    private bool SkipByteOrderMark(ReadOnlySpan<byte> unread, bool isFinal, ref int consumed)
    {
        var mark = "\uFEFF"u8;
        if (unread.Length < mark.Length && !isFinal && mark.StartsWith(unread))
        {
            return false;
        }

        _atStart = false;
        if (unread.StartsWith(mark))
        {
            consumed = mark.Length;
        }

        return true;
    }

    /// <summary>End of the line that starts at <see cref="_lineStart"/>, and where the next one starts; -1 while it is open.</summary>
    private int FindLineEnd(ReadOnlySpan<byte> rest, bool isFinal, out int next)
    {
        next = 0;
        var offset = rest[_searched..].IndexOfAny((byte)'\n', (byte)'\r');
        if (offset < 0)
        {
            _searched = rest.Length;
            return -1;
        }

        var end = _searched + offset;
        if (rest[end] == (byte)'\r')
        {
            if (end + 1 == rest.Length && !isFinal)
            {
                // A CR at the end of a read is ambiguous until the next byte: it may be half of CRLF.
                _searched = end;
                return -1;
            }

            next = end + 1 < rest.Length && rest[end + 1] == (byte)'\n' ? end + 2 : end + 1;
            return end;
        }

        next = end + 1;
        return end;
    }

    private WireEvent Parse(ReadOnlySpan<byte> raw)
    {
        ReadOnlySpan<byte> data = default;
        ReadOnlySpan<byte> name = default;
        var dataLines = 0;
        var rest = raw;
        while (!rest.IsEmpty)
        {
            var end = rest.IndexOfAny((byte)'\n', (byte)'\r');
            var line = end < 0 ? rest : rest[..end];
            rest = end < 0 ? default : rest[(end + 1)..];
            if (line.IsEmpty || line[0] == (byte)':')
            {
                continue;
            }

            var colon = line.IndexOf((byte)':');
            var field = colon < 0 ? line : line[..colon];
            var value = colon < 0 ? default : line[(colon + 1)..];
            if (!value.IsEmpty && value[0] == (byte)' ')
            {
                value = value[1..];
            }

            if (field.SequenceEqual("data"u8))
            {
                data = ++dataLines == 1 ? value : Join(data, value, dataLines);
            }
            else if (field.SequenceEqual("event"u8))
            {
                name = value;
            }
        }

        return new WireEvent(raw, data, name);
    }

    private ReadOnlySpan<byte> Join(ReadOnlySpan<byte> joined, ReadOnlySpan<byte> line, int lines)
    {
        if (lines == 2)
        {
            _joined.ResetWrittenCount();
            _joined.Write(joined);
        }

        _joined.Write("\n"u8);
        _joined.Write(line);
        return _joined.WrittenSpan;
    }
}
