namespace LlmGateway.Providers.Wire;

/// <summary>One event a line; LF or CRLF, blank lines skipped, a last line without its end is taken at the end.</summary>
internal sealed class JsonLinesFramer : WireFramer
{
    private int _searched;

    public override bool TryRead(ReadOnlySpan<byte> unread, bool isFinal, out WireEvent wireEvent, out int consumed)
    {
        consumed = 0;
        while (consumed < unread.Length)
        {
            var rest = unread[consumed..];
            var end = rest[_searched..].IndexOf((byte)'\n');
            if (end < 0 && !isFinal)
            {
                _searched = rest.Length;
                break;
            }

            var raw = end < 0 ? rest : rest[..(_searched + end + 1)];
            _searched = 0;
            consumed += raw.Length;
            var line = raw.Trim(" \t\r\n"u8);
            if (!line.IsEmpty)
            {
                wireEvent = new WireEvent(raw, line);
                return true;
            }
        }

        wireEvent = default;
        return false;
    }
}
