namespace LlmGateway.Api;

/// <summary>What JSON's grammar lets through and no decoder can turn into text.</summary>
internal static class EscapedText
{
    /// <summary>Whether the raw text of a JSON string escapes half of a surrogate pair.</summary>
    public static bool HasLoneSurrogate(ReadOnlySpan<byte> text)
    {
        var expectsLow = false;
        for (var i = 0; i < text.Length; i++)
        {
            if (text[i] != (byte)'\\')
            {
                if (expectsLow)
                {
                    return true;
                }

                var skip = text[i..].IndexOf((byte)'\\');
                if (skip < 0)
                {
                    return false;
                }

                i += skip;
            }

            if (text[++i] != (byte)'u')
            {
                if (expectsLow)
                {
                    return true;
                }

                continue;
            }

            // The reader has checked that four hexadecimal digits follow.
            var high = text[i + 1] | 0x20;
            var second = text[i + 2] | 0x20;
            var isSurrogate = high == 'd' && (second is (>= '8' and <= '9') or (>= 'a' and <= 'f'));
            var isLow = isSurrogate && second >= 'c';
            if (isSurrogate ? isLow != expectsLow : expectsLow)
            {
                return true;
            }

            expectsLow = isSurrogate && !isLow;
            i += 4;
        }

        return expectsLow;
    }
}
