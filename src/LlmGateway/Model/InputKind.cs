namespace LlmGateway.Model;

/// <summary>The four forms of <c>input</c> (embeddings) and <c>prompt</c> (legacy completions).</summary>
public enum InputKind
{
    /// <summary>The operation has no such member.</summary>
    None,

    /// <summary>One string.</summary>
    Text,

    /// <summary>Several strings, or one in an array.</summary>
    Texts,

    /// <summary>One list of token numbers.</summary>
    Tokens,

    /// <summary>Several lists of token numbers.</summary>
    TokenLists,
}
