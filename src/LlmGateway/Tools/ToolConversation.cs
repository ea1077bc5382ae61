using System.Buffers;
using System.Text.Json;
using LlmGateway.Api;
using LlmGateway.Model;
using LlmGateway.Providers.Wire;

namespace LlmGateway.Tools;

/// <summary>
/// A request and what its gateway tools have said so far: each round derives a new request from the original, with the tools' definitions
/// behind the client's own and the exchange so far behind the client's messages.
/// </summary>
internal sealed class ToolConversation
{
    private readonly GatewayRequest _request;
    private readonly ToolSet _tools;
    private readonly HashSet<string> _clientTools;
    private readonly byte[] _definitions;
    private readonly ArrayBufferWriter<byte> _exchange = new();

    private ToolConversation(GatewayRequest request, ToolSet tools, HashSet<string> clientTools)
    {
        _request = request;
        _clientTools = clientTools;
        _tools = tools.Without(clientTools);
        _definitions = _tools.WriteDefinitions();
    }

    /// <summary>The tools that are offered: a client's own tool of the same name goes first.</summary>
    public ToolSet Tools => _tools;

    /// <summary>Begins a conversation. Both null: the request wants no tool to be called.</summary>
    public static (ToolConversation? Conversation, GatewayError? Error) Begin(GatewayRequest request, ToolSet tools)
    {
        using var document = JsonDocument.Parse(request.Body, OpenAiJson.Reading);
        var root = document.RootElement;
        if (root.Find("n"u8) is { ValueKind: JsonValueKind.Number } count && count.GetRawText() != "1")
        {
            return (null, Refuse("n", "only one answer can be asked for"));
        }

        if (root.Find("functions"u8) is { ValueKind: JsonValueKind.Array })
        {
            return (null, Refuse("functions", "functions must be given as 'tools'"));
        }

        if (root.FindText("tool_choice"u8) == "none")
        {
            return (null, null);
        }

        var own = JsonEdits.Objects(root.Find("tools"u8))
            .Select(tool => tool.Find("function"u8) is { ValueKind: JsonValueKind.Object } function ? function.FindText("name"u8) : null)
            .OfType<string>()
            .ToHashSet(StringComparer.Ordinal);
        var conversation = new ToolConversation(request, tools, own);
        return conversation._tools.Count == 0 ? (null, null) : (conversation, null);

        GatewayError Refuse(string param, string why) =>
            GatewayError.Invalid(ErrorCodes.InvalidRequest, $"Agent '{request.Profile.Name}' runs tools in the gateway: {why}.", param);
    }

    /// <summary>Whether the gateway answers for a call of this name: whatever the client does not know, it could do nothing with.</summary>
    public bool IsOwn(string name) => !_clientTools.Contains(name);

    /// <summary>The request of the next round.</summary>
    /// <param name="mayCall">Whether tools may be called; in the last round the model has to answer.</param>
    public GatewayRequest Next(bool mayCall)
    {
        using var edits = JsonEdits.TryParse(_request.Body)!;
        var root = edits.Root;
        if (root.Find("tools"u8) is { ValueKind: JsonValueKind.Array } tools)
        {
            edits.Append(tools, _definitions);
        }
        else
        {
            Set(edits, "tools", [(byte)'[', .. _definitions, (byte)']']);
        }

        if (_exchange.WrittenCount > 0)
        {
            edits.Append(root.GetProperty("messages"u8), _exchange.WrittenSpan);
        }

        // A call that was asked for has been made: asked for again and again the model would never answer.
        var isForced = _exchange.WrittenCount > 0 && root.Find("tool_choice"u8) is { ValueKind: JsonValueKind.String or JsonValueKind.Object };
        if (!mayCall || isForced)
        {
            Set(edits, "tool_choice", mayCall ? "\"auto\""u8 : "\"none\""u8);
        }

        var body = edits.Apply().ToMemory();
        var (scan, error) = RequestScanner.Scan(_request.Operation, body.Span);
        return _request with
        {
            Body = body,
            Scan = scan ?? throw new InvalidOperationException($"A tool round's request is malformed: {error!.Message}"),
        };
    }

    /// <summary>Adds what the model said and what its tools answered.</summary>
    /// <param name="content">The text before the calls; empty: none.</param>
    /// <param name="calls">The calls.</param>
    /// <param name="outputs">Their results, in the same order.</param>
    public void Append(string content, IReadOnlyList<RequestedCall> calls, IReadOnlyList<ToolOutput> outputs)
    {
        if (_exchange.WrittenCount > 0)
        {
            _exchange.Write(","u8);
        }

        using var writer = new Utf8JsonWriter(_exchange, OpenAiJson.Writing);
        writer.WriteStartObject();
        writer.WriteString("role"u8, "assistant"u8);
        writer.WriteString("content"u8, content.Length == 0 ? null : content);
        writer.WriteStartArray("tool_calls"u8);
        foreach (var call in calls)
        {
            writer.WriteStartObject();
            writer.WriteString("id"u8, call.Id);
            writer.WriteString("type"u8, "function"u8);
            writer.WriteStartObject("function"u8);
            writer.WriteString("name"u8, call.Name);
            writer.WriteString("arguments"u8, IsObject(call.Arguments) ? call.Arguments : "{}");
            writer.WriteEndObject();
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
        writer.WriteEndObject();
        writer.Flush();
        for (var i = 0; i < calls.Count; i++)
        {
            _exchange.Write(","u8);
            writer.Reset();
            writer.WriteStartObject();
            writer.WriteString("role"u8, "tool"u8);
            writer.WriteString("tool_call_id"u8, calls[i].Id);
            writer.WriteString("content"u8, outputs[i].Text);
            writer.WriteEndObject();
            writer.Flush();
        }
    }

    /// <summary>Providers of other forms read the arguments again, and would refuse the whole request for what the model got wrong.</summary>
    private static bool IsObject(string json)
    {
        try
        {
            using var document = JsonDocument.Parse(json, OpenAiJson.Reading);
            return document.RootElement.ValueKind == JsonValueKind.Object;
        }
        catch (JsonException)
        {
            return false;
        }
    }

    private static void Set(JsonEdits edits, string name, ReadOnlySpan<byte> json)
    {
        if (edits.Root.TryGetProperty(name, out var value))
        {
            edits.Replace(value, System.Text.Encoding.UTF8.GetString(json));
        }
        else
        {
            edits.Add(edits.Root, name, json);
        }
    }
}
