namespace LlmGateway.Model;

/// <summary>Why an attempt against a target failed, or why the target was left out. The names are public: headers, metrics, errors and <c>fallback_on</c> use them.</summary>
public enum FailureReason
{
    /// <summary>No failure.</summary>
    None,

    /// <summary>No answer, no first token, or no next token in time.</summary>
    Timeout,

    /// <summary>Refused, reset, unreachable, TLS failure, or cut before the first token.</summary>
    Connection,

    /// <summary>429, or the provider's own word for it.</summary>
    RateLimit,

    /// <summary>5xx, or an error event before the first token.</summary>
    ServerError,

    /// <summary>The provider refused the gateway's own key.</summary>
    Auth,

    /// <summary>The provider does not have the model.</summary>
    ModelUnavailable,

    /// <summary>The prompt is longer than the model's window.</summary>
    ContextLength,

    /// <summary>The provider's filter refused the prompt.</summary>
    ContentFilter,

    /// <summary>An answer that is not one: HTML, broken JSON, no choices, an odd status.</summary>
    InvalidResponse,

    /// <summary>Skipped: a key is needed and none is set.</summary>
    MissingApiKey,

    /// <summary>Skipped: too many failures lately.</summary>
    CircuitOpen,

    /// <summary>Skipped: the target cannot serve this request.</summary>
    Unsupported,

    /// <summary>The client went away.</summary>
    Cancelled,

    /// <summary>The client's own fault; never retried, never held against the provider.</summary>
    InvalidRequest,

    /// <summary>The gateway's process died before the call had ended; only records say so.</summary>
    Interrupted,
}
