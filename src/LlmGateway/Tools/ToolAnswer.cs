using System.Buffers;
using System.Text;
using System.Text.Json;
using LlmGateway.Model;
using LlmGateway.Providers;
using LlmGateway.Providers.Wire;

namespace LlmGateway.Tools;

/// <summary>One whole answer of a tool round: which gateway tools it calls, and what of it the client may see.</summary>
internal sealed class ToolAnswer : IDisposable
{
    private readonly ReadOnlyMemory<byte> _body;
    private readonly JsonEdits? _edits;
    private readonly JsonElement? _choice;
    private readonly List<JsonElement> _clientCalls = [];
    private readonly List<RequestedCall> _calls = [];

    private ToolAnswer(ReadOnlyMemory<byte> body, Func<string, bool> isOwn)
    {
        _body = body;
        _edits = JsonEdits.TryParse(body);
        if (_edits is null)
        {
            return;
        }

        foreach (var choice in JsonEdits.Objects(_edits.Root.Find("choices"u8)))
        {
            _choice = choice;
            break;
        }

        Usage = OpenAiUsageReader.Of(_edits.Root);
        if (Message is { } message)
        {
            Content = TextOf(message, "content");
            foreach (var call in JsonEdits.Objects(message.Find("tool_calls"u8)))
            {
                Take(call, isOwn);
            }
        }
    }

    /// <summary>The calls of gateway tools.</summary>
    public IReadOnlyList<RequestedCall> Calls => _calls;

    /// <summary>Whether the gateway runs the calls and asks again: none is the client's, and none was cut off.</summary>
    public bool CallsToolsOnly => _calls.Count > 0 && _clientCalls.Count == 0 && FinishReason is not ("length" or "content_filter");

    public string Content { get; } = "";

    public TokenUsage? Usage { get; }

    private JsonElement? Message => _choice is { } choice && choice.Find("message"u8) is { ValueKind: JsonValueKind.Object } message ? message : null;

    private string? FinishReason => _choice?.FindText("finish_reason"u8);

    /// <param name="body">A completion in OpenAI's form.</param>
    /// <param name="isOwn">Whether a tool of this name is the gateway's to run.</param>
    public static ToolAnswer Read(ReadOnlyMemory<byte> body, Func<string, bool> isOwn) => new(body, isOwn);

    /// <summary>The answer for the client: without calls of gateway tools, and with the usage of the rounds before it added.</summary>
    public ReadOnlyMemory<byte> Finish(TokenUsage? spent)
    {
        if (_edits is null)
        {
            return _body;
        }

        if (_calls.Count > 0 && Message is { } message)
        {
            Strip(message);
        }

        if (spent is { } before)
        {
            var sum = before + (Usage ?? default);
            if (_edits.Root.Find("usage"u8) is { } usage)
            {
                _edits.Replace(usage, Encoding.UTF8.GetString(Write(sum)));
            }
            else
            {
                _edits.Add(_edits.Root, "usage", Write(sum));
            }
        }

        return _edits.Apply().ToMemory();
    }

    public void Dispose() => _edits?.Dispose();

    /// <summary>OpenAI's usage object.</summary>
    internal static byte[] Write(in TokenUsage usage)
    {
        var output = new ArrayBufferWriter<byte>();
        using var writer = new Utf8JsonWriter(output, OpenAiJson.Writing);
        OpenAiUsage.Write(writer, usage);
        writer.Flush();
        return output.WrittenSpan.ToArray();
    }

    private void Take(JsonElement call, Func<string, bool> isOwn)
    {
        if (call.Find("function"u8) is not { ValueKind: JsonValueKind.Object } function || !isOwn(TextOf(function, "name")))
        {
            _clientCalls.Add(call);
            return;
        }

        var id = TextOf(call, "id");
        _calls.Add(new RequestedCall(id.Length > 0 ? id : RequestedCall.NewId(), TextOf(function, "name"), TextOf(function, "arguments") is { Length: > 0 } arguments ? arguments : "{}"));
    }

    private void Strip(JsonElement message)
    {
        if (_clientCalls.Count > 0)
        {
            _edits!.Replace(message.GetProperty("tool_calls"u8), $"[{string.Join(',', _clientCalls.Select(call => call.GetRawText()))}]");
            return;
        }

        _edits!.Remove(message, "tool_calls");
        if (FinishReason == "tool_calls")
        {
            _edits.Replace(_choice!.Value.GetProperty("finish_reason"u8), "\"stop\"");
        }
    }

    private static string TextOf(JsonElement parent, string name)
    {
        try
        {
            return parent.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() ?? "" : "";
        }
        catch (InvalidOperationException)
        {
            // Half of a surrogate pair.
            return "";
        }
    }
}
