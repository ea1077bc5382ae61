using System.Text.Json;
using LlmGateway.Model;

namespace LlmGateway.Tools.Mcp;

/// <summary>One tool of an MCP server, as it was when it was first seen.</summary>
internal sealed class McpTool(McpServer server, string name, string ownName, string description, byte[] schema) : ITool
{
    public string Name => name;

    public string Description => description;

    public ReadOnlyMemory<byte> Parameters => schema;

    public ValueTask<ToolOutput> InvokeAsync(JsonElement arguments, GatewayConfig config, CancellationToken cancellationToken) =>
        server.CallAsync(ownName, arguments, cancellationToken);
}
