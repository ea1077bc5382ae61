using System.Text.Json;
using ModelContextProtocol.Protocol;

namespace LlmGateway.Tools.Mcp;

/// <summary>
/// What a server's tools were when they were first seen. A tool that comes back with another description or schema is left out until the
/// configuration changes or the gateway starts anew: whoever allowed the server did not allow that.
/// </summary>
internal sealed partial class McpPins(string server, ILogger logger)
{
    private const int MaxTools = 128;

    private readonly Dictionary<string, string> _pins = new(StringComparer.Ordinal);
    private readonly HashSet<string> _told = new(StringComparer.Ordinal);

    /// <summary>The tools that may be used, out of those that the server lists now. One list is judged at a time.</summary>
    public IReadOnlyList<ITool> Accept(McpServer owner, IEnumerable<Tool> listed)
    {
        var accepted = new List<ITool>();
        var names = new HashSet<string>(StringComparer.Ordinal);
        foreach (var tool in listed)
        {
            if (Accept(owner, tool, names) is { } usable)
            {
                accepted.Add(usable);
            }

            if (accepted.Count == MaxTools)
            {
                break;
            }
        }

        return accepted;
    }

    private McpTool? Accept(McpServer owner, Tool tool, HashSet<string> names)
    {
        var name = McpToolName.Of(server, tool.Name);
        var schema = McpText.Schema(tool.InputSchema);
        if (name is null || schema is null || !names.Add(name))
        {
            Tell(McpText.Clean(tool.Name), Log.Unusable);
            return null;
        }

        var pin = Pin(tool);
        if (!_pins.TryAdd(name, pin) && _pins[name] != pin)
        {
            Tell(name, Log.Changed);
            return null;
        }

        if (McpText.HasHidden(tool.Description ?? ""))
        {
            Tell(name, Log.Hidden);
        }

        return new McpTool(owner, name, tool.Name, McpText.Description(tool.Description), schema);
    }

    private static string Pin(Tool tool)
    {
        try
        {
            return McpText.Pin(tool.Description, tool.InputSchema);
        }
        catch (Exception exception) when (exception is InvalidOperationException or JsonException)
        {
            return "";
        }
    }

    private void Tell(string tool, Action<ILogger, string, string> log)
    {
        if (_told.Add(tool))
        {
            log(logger, tool, server);
        }
    }

    private static partial class Log
    {
        [LoggerMessage(EventId = 710, Level = LogLevel.Warning, Message = "The tool {Tool} of the MCP server {Server} has changed its description or schema since it was first seen: it is switched off until the server's configuration changes or the gateway starts anew")]
        public static partial void Changed(ILogger logger, string tool, string server);

        [LoggerMessage(EventId = 711, Level = LogLevel.Warning, Message = "The tool {Tool} of the MCP server {Server} is left out: its name or schema is unusable, too large, there twice, or holds hidden characters")]
        public static partial void Unusable(ILogger logger, string tool, string server);

        [LoggerMessage(EventId = 712, Level = LogLevel.Warning, Message = "The tool {Tool} of the MCP server {Server} describes itself with hidden characters: they are taken out")]
        public static partial void Hidden(ILogger logger, string tool, string server);
    }
}
