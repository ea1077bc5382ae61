namespace LlmGateway.Configuration;

/// <summary>The three configuration files.</summary>
public enum ConfigFileKind
{
    /// <summary><c>agent_llm_config.json</c>.</summary>
    Agents,

    /// <summary><c>llm_settings.yaml</c>.</summary>
    Settings,

    /// <summary><c>gateway_keys.json</c>.</summary>
    Keys,
}
