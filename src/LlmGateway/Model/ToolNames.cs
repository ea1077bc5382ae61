namespace LlmGateway.Model;

/// <summary>The tools' names as a profile's <c>tools</c> lists them.</summary>
public static class ToolNames
{
    /// <summary>Arithmetic in a grammar of its own.</summary>
    public const string Calculator = "calculator";

    /// <summary>Weather of a place, from an HTTP back end.</summary>
    public const string Weather = "weather";

    /// <summary>Search, from an HTTP back end.</summary>
    public const string Search = "search";

    /// <summary>In front of an MCP server's name: all of its tools.</summary>
    public const string McpPrefix = "mcp:";

    /// <summary>Those that need no MCP server.</summary>
    public static IReadOnlyList<string> BuiltIn { get; } = [Calculator, Weather, Search];
}
