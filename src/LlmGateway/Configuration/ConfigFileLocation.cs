namespace LlmGateway.Configuration;

/// <summary>Where one of the three files is looked for.</summary>
/// <param name="Kind">Which file.</param>
/// <param name="Path">Absolute path.</param>
/// <param name="DisplayName">The path as the operator wrote it, for messages.</param>
/// <param name="Variable">The variable that can name it.</param>
/// <param name="IsNamed">Whether that variable is set: a named file must exist.</param>
public sealed record ConfigFileLocation(ConfigFileKind Kind, string Path, string DisplayName, string Variable, bool IsNamed)
{
    /// <summary>The file's name in metrics; bounded, whatever the path is.</summary>
    public string Label => Kind switch
    {
        ConfigFileKind.Agents => "agent_llm_config",
        ConfigFileKind.Settings => "llm_settings",
        _ => "gateway_keys",
    };
}
