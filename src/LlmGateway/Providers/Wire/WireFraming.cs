namespace LlmGateway.Providers.Wire;

/// <summary>How a provider cuts its stream into events.</summary>
public enum WireFraming
{
    /// <summary>Server-sent events (WHATWG HTML, section 9.2).</summary>
    ServerSentEvents,

    /// <summary>One JSON object a line (NDJSON).</summary>
    JsonLines,
}
