using System.Globalization;
using System.Text.Json;

namespace LlmGateway.FunctionalTests.Infrastructure;

/// <summary>A small MCP server as a script for Node.js. Its tool <c>about</c> tells its process and environment, <c>die</c> ends it.</summary>
internal static class StdioMcpServer
{
    private const string Source = """
        import { createInterface } from 'node:readline';
        const say = message => process.stdout.write(JSON.stringify({ jsonrpc: '2.0', ...message }) + '\n');
        const tool = name => ({ name, description: name, inputSchema: { type: 'object', properties: {} } });
        createInterface({ input: process.stdin }).on('line', line => {
          const { id, method, params } = JSON.parse(line);
          if (id === undefined) return;
          if (method === 'initialize') say({ id, result: { protocolVersion: params.protocolVersion, capabilities: { tools: {} }, serverInfo: { name: 'stdio', version: '1' } } });
          else if (method === 'tools/list') say({ id, result: { tools: [tool('about'), tool('die')] } });
          else if (method === 'tools/call' && params.name === 'die') process.exit(1);
          else if (method === 'tools/call') say({ id, result: { content: [{ type: 'text', text: JSON.stringify({ pid: process.pid, env: process.env, args: process.argv.slice(2) }) }] } });
          else say({ id, error: { code: -32601, message: 'Method not found' } });
        });
        """;

    /// <summary>Writes the script and answers the server's entry under <c>mcp_servers</c>.</summary>
    public static string Entry(GatewayFolder folder, string argument, string environment = "")
    {
        var path = Path.Combine(folder.Path, "server.mjs");
        File.WriteAllText(path, Source);
        return $$"""{ command: node, args: [{{JsonSerializer.Serialize(path)}}, {{argument}}], env: { {{environment}} } }""";
    }

    /// <summary>Whether a process of that id runs: one that has ended and not been waited for does not.</summary>
    public static bool IsRunning(int pid)
    {
        try
        {
            var stat = File.ReadAllText(string.Create(CultureInfo.InvariantCulture, $"/proc/{pid}/stat"));
            return stat[(stat.LastIndexOf(')') + 2)..][0] is not ('Z' or 'X');
        }
        catch (Exception gone) when (gone is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }
}
