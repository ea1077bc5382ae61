using System.Collections.Frozen;
using LlmGateway.Model;
using LlmGateway.Tools.Mcp;

namespace LlmGateway.Tools;

/// <summary>Finds the tools that a request's profile names: built-in ones, and those of MCP servers.</summary>
internal sealed class ToolCatalog(IEnumerable<ITool> builtIn, McpServers servers)
{
    private readonly FrozenDictionary<string, ITool> _builtIn = builtIn.ToFrozenDictionary(tool => tool.Name, StringComparer.Ordinal);

    /// <summary>The tools; those of a server that cannot be reached are left out, so that the request goes on without them.</summary>
    public async ValueTask<ToolSet> ResolveAsync(GatewayRequest request, CancellationToken cancellationToken)
    {
        var tools = new List<ITool>();
        foreach (var name in request.Tools)
        {
            if (_builtIn.TryGetValue(name, out var tool))
            {
                tools.Add(tool);
            }
            else if (name.StartsWith(ToolNames.McpPrefix, StringComparison.Ordinal)
                && request.Config.McpServers.TryGetValue(name[ToolNames.McpPrefix.Length..], out var server))
            {
                tools.AddRange(await servers.ToolsOfAsync(server, cancellationToken));
            }
        }

        return tools.Count == 0 ? ToolSet.Empty : new ToolSet(tools);
    }
}
