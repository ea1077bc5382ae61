namespace LlmGateway.Routing;

/// <summary>Cuts long text without cutting a character in two.</summary>
internal static class ShortText
{
    private const string Cut = "[…]";

    /// <summary>The beginning, at most <paramref name="length"/> characters of it.</summary>
    public static string Head(string text, int length)
    {
        if (text.Length <= length)
        {
            return text;
        }

        return text[..(char.IsHighSurrogate(text[length - 1]) ? length - 1 : length)] + Cut;
    }

    /// <summary>The end, at most <paramref name="length"/> characters of it.</summary>
    public static string Tail(string text, int length)
    {
        if (text.Length <= length)
        {
            return text;
        }

        var start = text.Length - length;
        return Cut + text[(char.IsLowSurrogate(text[start]) ? start + 1 : start)..];
    }
}
