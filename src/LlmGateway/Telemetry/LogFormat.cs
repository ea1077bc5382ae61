namespace LlmGateway.Telemetry;

/// <summary>How log lines look.</summary>
public enum LogFormat
{
    /// <summary>One JSON object a line.</summary>
    Json,

    /// <summary>One readable line each, for a terminal.</summary>
    Text,
}
