using System.Buffers;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using LlmGateway.Model;
using LlmGateway.Providers.Wire;
using LlmGateway.Surfaces;

namespace LlmGateway.Tools;

/// <summary>What of a tool round's chunks the client sees: all but calls of gateway tools and what belongs to a round that is not the last. A chunk that needs no change keeps its bytes.</summary>
internal sealed class ToolChunks(ToolConversation conversation)
{
    private readonly OpenAiDelta _delta = new();
    private readonly StringBuilder _content = new();
    private readonly Dictionary<int, int> _clientCalls = [];
    private HeldToolCalls _held = new();
    private bool _mayCall;
    private bool _isLaterRound;
    private bool _hasRole;
    private string? _id;
    private string? _created;
    private TokenUsage? _spent;
    private TokenUsage? _usage;

    /// <summary>Whether the client has been given content, a call of its own, or a finish.</summary>
    public bool IsVisible { get; private set; }

    /// <summary>Whether the round ends in calls of gateway tools alone, which are to be run.</summary>
    public bool CallsTools { get; private set; }

    /// <summary>The round's text.</summary>
    public string Content => _content.ToString();

    public IReadOnlyList<RequestedCall> Calls =>
        [.. _held.Calls.Select(call => new RequestedCall(call.Id, call.Name, call.Arguments.IsEmpty ? "{}" : Encoding.UTF8.GetString(call.Arguments)))];

    /// <param name="mayCall">Whether tools may be called in it.</param>
    public void BeginRound(bool mayCall)
    {
        _isLaterRound |= CallsTools;
        if (CallsTools)
        {
            _spent = (_spent ?? default) + (_usage ?? default);
        }

        _mayCall = mayCall;
        CallsTools = false;
        _usage = null;
        _held = new HeldToolCalls();
        _clientCalls.Clear();
        _content.Clear();
    }

    /// <summary>Takes one chunk; false where it is an error, or none at all.</summary>
    public bool TryTake(in WireEvent wireEvent, IBufferWriter<byte> output)
    {
        var data = wireEvent.Data;
        if (!_delta.TryRead(data) || _delta.IsError)
        {
            return false;
        }

        _usage = _delta.Usage ?? _usage;
        if (!_delta.Content.IsEmpty)
        {
            _content.Append(HeldToolCalls.TextOf(_delta.Content.Of(data)));
        }

        var isSeen = !_delta.Content.IsEmpty || !_delta.Reasoning.IsEmpty || !_delta.Refusal.IsEmpty;
        if (!_isLaterRound && _delta.ToolCalls.Count == 0 && _delta.Finish is null && _hasRole)
        {
            // The usual chunk of the usual answer.
            if (!CallsTools)
            {
                output.Write(wireEvent.Raw);
                IsVisible |= isSeen;
            }

            return true;
        }

        Hold(data);
        return !_held.IsTooMuch && TryEdit(data.ToArray(), isSeen, output);
    }

    /// <summary>Sorts the chunk's calls: the client's get an index among themselves, the gateway's are kept.</summary>
    private void Hold(ReadOnlySpan<byte> data)
    {
        foreach (var piece in _delta.ToolCalls)
        {
            if (_clientCalls.ContainsKey(piece.Index))
            {
                continue;
            }

            if (!piece.Name.IsEmpty && !conversation.IsOwn(HeldToolCalls.TextOf(piece.Name.Of(data))))
            {
                _clientCalls.Add(piece.Index, _clientCalls.Count);
                continue;
            }

            _held.Add(piece, data);
        }

        foreach (var call in _held.Calls.Where(call => call.Id.Length == 0))
        {
            call.Id = RequestedCall.NewId();
        }
    }

    private bool TryEdit(byte[] data, bool isSeen, IBufferWriter<byte> output)
    {
        using var edits = JsonEdits.TryParse(data);
        if (edits is null)
        {
            return false;
        }

        var root = edits.Root;
        SameFrame(edits);
        var hasNews = isSeen;
        foreach (var choice in JsonEdits.Objects(root.Find("choices"u8)))
        {
            hasNews |= EditChoice(edits, choice);
            break;
        }

        if (_delta.Usage is { } usage && !CallsTools)
        {
            hasNews = true;
            if (_spent is { } spent)
            {
                edits.Replace(root.GetProperty("usage"u8), Encoding.UTF8.GetString(ToolAnswer.Write(spent + usage)));
            }
        }

        // What some providers say without any choice (Azure's filter results) is news too.
        hasNews |= !_isLaterRound && root.Find("choices"u8) is { ValueKind: JsonValueKind.Array } choices && choices.GetArrayLength() == 0 && _delta.Usage is null;
        if (hasNews)
        {
            output.Write("data: "u8);
            output.Write(edits.Apply().ToMemory().Span);
            output.Write("\n\n"u8);
        }

        return true;
    }

    /// <summary>One stream has one id and one time.</summary>
    private void SameFrame(JsonEdits edits)
    {
        foreach (var member in edits.Root.EnumerateObject())
        {
            if (member.NameEquals("id"u8))
            {
                _id = Same(_id, member.Value);
            }
            else if (member.NameEquals("created"u8))
            {
                _created = Same(_created, member.Value);
            }
        }

        string Same(string? first, JsonElement value)
        {
            if (first is not null && first != value.GetRawText())
            {
                edits.Replace(value, first);
            }

            return first ?? value.GetRawText();
        }
    }

    /// <summary>Takes out of the choice what the client must not see; whether anything is left.</summary>
    private bool EditChoice(JsonEdits edits, JsonElement choice)
    {
        var hasNews = false;
        if (choice.Find("delta"u8) is { ValueKind: JsonValueKind.Object } delta)
        {
            hasNews = EditDelta(edits, delta);
        }

        if (_delta.Finish is not { } finish)
        {
            return hasNews;
        }

        if (_held.Calls.Count > 0 && _clientCalls.Count == 0 && finish is not ("length" or "content_filter"))
        {
            CallsTools = _mayCall;
            edits.Replace(choice.GetProperty("finish_reason"u8), _mayCall ? "null" : "\"stop\"");
        }

        IsVisible |= !CallsTools;
        return hasNews || !CallsTools;
    }

    private bool EditDelta(JsonEdits edits, JsonElement delta)
    {
        var hasNews = false;
        List<string> removed = [];
        foreach (var member in delta.EnumerateObject())
        {
            switch (member.Name)
            {
                case "role" when _hasRole:
                    removed.Add(member.Name);
                    break;
                case "role":
                    hasNews = _hasRole = true;
                    break;
                case "tool_calls" when KeptCalls(member.Value) is { Length: > 0 } kept:
                    edits.Replace(member.Value, kept);
                    hasNews = IsVisible = true;
                    break;
                case "tool_calls":
                    removed.Add(member.Name);
                    break;
                default:
                    hasNews |= member.Value.ValueKind is not JsonValueKind.Null && !(member.Value.ValueKind == JsonValueKind.String && member.Value.ValueEquals(""u8));
                    break;
            }
        }

        if (removed.Count > 0)
        {
            edits.Remove(delta, [.. removed]);
        }

        IsVisible |= !_delta.Content.IsEmpty || !_delta.Reasoning.IsEmpty || !_delta.Refusal.IsEmpty;
        return hasNews;
    }

    /// <summary>The client's calls of the chunk, numbered among themselves; empty where there are none.</summary>
    private string KeptCalls(JsonElement calls)
    {
        if (_clientCalls.Count == 0)
        {
            return "";
        }

        var kept = new StringBuilder();
        foreach (var call in JsonEdits.Objects(calls))
        {
            var index = call.Find("index"u8) is { ValueKind: JsonValueKind.Number } told && told.TryGetInt32(out var number) ? number : 0;
            if (!_clientCalls.TryGetValue(index, out var own))
            {
                continue;
            }

            using var edits = JsonEdits.TryParse(JsonMarshal.GetRawUtf8Value(call).ToArray())!;
            if (edits.Root.TryGetProperty("index"u8, out var position))
            {
                edits.Replace(position, own.ToString(System.Globalization.CultureInfo.InvariantCulture));
            }

            kept.Append(kept.Length == 0 ? '[' : ',').Append(Encoding.UTF8.GetString(edits.Apply().ToMemory().Span));
        }

        return kept.Length == 0 ? "" : kept.Append(']').ToString();
    }
}
