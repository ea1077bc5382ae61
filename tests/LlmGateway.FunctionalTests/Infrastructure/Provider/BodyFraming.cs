namespace LlmGateway.FunctionalTests.Infrastructure;

/// <summary>How the end of a scripted reply's body is told.</summary>
internal enum BodyFraming
{
    /// <summary>The script writes raw bytes only; nothing is added.</summary>
    None,

    /// <summary>Every write is one chunk; the last chunk is added when the script ends properly.</summary>
    Chunked,

    /// <summary>The script's head announces the length.</summary>
    Length,

    /// <summary>The connection's end is the body's end.</summary>
    Close,
}
