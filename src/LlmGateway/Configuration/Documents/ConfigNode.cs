namespace LlmGateway.Configuration.Documents;

/// <summary>One value of a configuration file, JSON or YAML alike, with the line it stands on.</summary>
internal sealed class ConfigNode(ConfigNodeKind kind, int line, string text = "")
{
    public ConfigNodeKind Kind { get; } = kind;

    public int Line { get; } = line;

    /// <summary>A scalar's value; numbers as written.</summary>
    public string Text { get; } = text;

    public List<ConfigNode> Items { get; } = [];

    public List<KeyValuePair<string, ConfigNode>> Members { get; } = [];

    /// <summary>Whether the value may be taken for another kind of scalar: YAML without quotes, or text that came from a variable.</summary>
    public bool IsLoose { get; init; }

    /// <summary>Names of the variables that <c>${NAME}</c> asked for.</summary>
    public IReadOnlyList<string> Variables { get; init; } = [];

    /// <summary>The variable that is not set and has no default.</summary>
    public string? MissingVariable { get; init; }

    /// <summary>How many values it holds, itself included: what an alias to it costs.</summary>
    public int Size { get; set; } = 1;
}
