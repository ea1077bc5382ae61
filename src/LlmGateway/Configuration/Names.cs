namespace LlmGateway.Configuration;

/// <summary>What names and values that end in headers, metrics and paths may consist of.</summary>
internal static class Names
{
    /// <summary>What <see cref="IsPlain"/> accepts, for messages.</summary>
    public const string PlainCaption = "1 to 64 of A-Z a-z 0-9 . _ -";

    public const string IdentityCaption = "printable ASCII, 256 characters at most";

    private const string TokenSymbols = "!#$%&'*+-.^_`|~";

    public static bool IsPlain(string text) =>
        text.Length is > 0 and <= 64 && text.All(character => char.IsAsciiLetterOrDigit(character) || character is '.' or '_' or '-');

    /// <summary>Whether the value can be sent as an identity header.</summary>
    public static bool IsIdentity(string text) => text.Length <= 256 && IsPrintable(text);

    public static bool IsPrintable(string text) => text.All(character => character is >= ' ' and <= '~');

    /// <summary>A model's name: it becomes a header, a label and part of a path at the provider.</summary>
    public static bool IsModel(string text) => text.Length is > 0 and <= 256 && text.All(character => character is > ' ' and <= '~');

    /// <summary>A key as it is sent in a header: no white space either.</summary>
    public static bool IsSecret(string text) => text.Length is > 0 and <= 8192 && text.All(character => character is > ' ' and <= '~');

    /// <summary>RFC 9110 token: the name of a header.</summary>
    public static bool IsToken(string text) =>
        text.Length is > 0 and <= 128 && text.All(character => char.IsAsciiLetterOrDigit(character) || TokenSymbols.Contains(character));
}
