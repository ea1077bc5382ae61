namespace LlmGateway.Configuration;

/// <summary>How reading a file ended.</summary>
internal enum ConfigFileState
{
    Read,
    Missing,
    Unreadable,
}
