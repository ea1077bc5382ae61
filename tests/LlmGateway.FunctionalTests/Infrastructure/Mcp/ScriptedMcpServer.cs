using System.Collections.Concurrent;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace LlmGateway.FunctionalTests.Infrastructure;

/// <summary>An MCP server over HTTP (<c>POST /mcp</c>) whose tools and answers the test decides, and may change while it runs.</summary>
internal sealed class ScriptedMcpServer : IAsyncDisposable
{
    private readonly ScriptedProvider _http = ScriptedProvider.Anything();
    private readonly ConcurrentQueue<Script> _faults = new();

    public ScriptedMcpServer(params string[] tools)
    {
        Tools = [.. tools.Select(name => Tool(name))];
        _http.Always("POST /mcp", Answer);
        _http.Always("GET /mcp", _ => Script.Json("{}", 405));
        _http.Always("DELETE /mcp", _ => Script.Json("{}"));
    }

    public string Url => _http.BaseUrl + "/mcp";

    /// <summary>What <c>tools/list</c> says.</summary>
    public IReadOnlyList<string> Tools { get; set; }

    /// <summary>The text that a call of a tool answers.</summary>
    public Func<string, JsonElement, string> Says { get; set; } = (name, arguments) => $"{name} says {arguments.GetRawText()}";

    /// <summary>Whether the next call tells that the list of tools has changed.</summary>
    public bool TellsChange { get; set; }

    /// <summary>The JSON-RPC methods that were called, in order.</summary>
    public IEnumerable<string> Methods => _http.Requests.Where(request => request.Method == "POST").Select(request => request.Json().GetProperty("method").GetString()!);

    public IReadOnlyList<RecordedRequest> Requests => _http.Requests;

    /// <summary>One tool as the list has it.</summary>
    public static string Tool(string name, string description = "Does things", string parameter = "text") =>
        $$$"""{"name":{{{JsonSerializer.Serialize(name)}}},"description":{{{JsonSerializer.Serialize(description)}}},"inputSchema":{"type":"object","properties":{"{{{parameter}}}":{"type":"string"} } } }""";

    /// <summary>What the next call of a tool gets in place of an answer.</summary>
    public void FailNextCall(Script script) => _faults.Enqueue(script);

    public ValueTask DisposeAsync() => _http.DisposeAsync();

    private Script Answer(RecordedRequest request)
    {
        // Chosen before the body is read, played after it.
        return Script.Chosen(read =>
        {
            var call = read.Json();
            var id = call.TryGetProperty("id", out var told) ? told.GetRawText() : null;
            return call.GetProperty("method").GetString() switch
            {
                _ when id is null => Script.Whole(202, "application/json", []),
                "initialize" => Result(id, $$$"""{"protocolVersion":{{{call.GetProperty("params").GetProperty("protocolVersion").GetRawText()}}},"capabilities":{"tools":{"listChanged":true}},"serverInfo":{"name":"scripted","version":"1"}}"""),
                "tools/list" => Result(id, $$"""{"tools":[{{string.Join(',', Tools)}}]}"""),
                "tools/call" => _faults.TryDequeue(out var fault) ? fault : Call(id, call.GetProperty("params")),
                _ => Script.Json($$$"""{"jsonrpc":"2.0","id":{{{id}}},"error":{"code":-32601,"message":"Method not found"}}"""),
            };
        });
    }

    private Script Call(string id, JsonElement parameters)
    {
        var name = parameters.GetProperty("name").GetString()!;
        var text = Says(name, parameters.GetProperty("arguments"));
        var result = new JsonObject { ["content"] = new JsonArray(new JsonObject { ["type"] = "text", ["text"] = text }) };
        var answer = $$"""{"jsonrpc":"2.0","id":{{id}},"result":{{result.ToJsonString()}}}""";
        if (!TellsChange)
        {
            return Script.Json(answer);
        }

        TellsChange = false;
        return Script.Sse("""{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}""", answer);
    }

    private static Script Result(string id, string result) => Script.Json($$"""{"jsonrpc":"2.0","id":{{id}},"result":{{result}}}""");
}
