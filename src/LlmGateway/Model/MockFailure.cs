namespace LlmGateway.Model;

/// <summary>Failures that a mock provider can be told to have (<c>fail</c>).</summary>
public enum MockFailure
{
    None,

    /// <summary>Accepts the call and never answers.</summary>
    Timeout,

    /// <summary>The connection is refused.</summary>
    Connection,

    /// <summary>The stream breaks after the first token; a whole answer breaks in its middle.</summary>
    Cut,

    /// <summary>The stream goes silent after the first token and stays open.</summary>
    Stall,

    /// <summary>200 with bytes that are no answer.</summary>
    Garbage,

    /// <summary>An error event where the first token should be.</summary>
    ErrorInStream,

    /// <summary>200 with nothing in it.</summary>
    Empty,
}
