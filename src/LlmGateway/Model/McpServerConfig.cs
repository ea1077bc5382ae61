namespace LlmGateway.Model;

/// <summary>One MCP server (<c>mcp_servers</c>): an address, or a command that the gateway starts.</summary>
public sealed record McpServerConfig
{
    public required string Name { get; init; }

    public Uri? Url { get; init; }

    public IReadOnlyList<KeyValuePair<string, string>> Headers { get; init; } = [];

    public string? Command { get; init; }

    public IReadOnlyList<string> Arguments { get; init; } = [];

    public IReadOnlyList<KeyValuePair<string, string>> Environment { get; init; } = [];

    /// <summary>Headers and environment hold secrets: only the name is shown.</summary>
    public override string ToString() => Name;
}
