namespace LlmGateway.Providers.Wire;

/// <summary>Takes the blanks out of JSON that a reader has accepted: whole answers come in lines with indents.</summary>
internal static class CompactJson
{
    public static ReadOnlySpan<byte> Of(ReadOnlySpan<byte> json)
    {
        if (json.IndexOfAny("\n\r\t"u8) < 0)
        {
            return json;
        }

        var compact = new byte[json.Length];
        var length = 0;
        var isInString = false;
        for (var i = 0; i < json.Length; i++)
        {
            var at = json[i];
            if (isInString && at == (byte)'\\')
            {
                // What follows a backslash ends no string.
                compact[length++] = at;
                at = json[++i];
            }
            else if (at == (byte)'"')
            {
                isInString = !isInString;
            }
            else if (!isInString && at is (byte)' ' or (byte)'\n' or (byte)'\r' or (byte)'\t')
            {
                continue;
            }

            compact[length++] = at;
        }

        return compact.AsSpan(0, length);
    }
}
