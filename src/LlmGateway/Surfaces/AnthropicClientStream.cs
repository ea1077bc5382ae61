using System.Buffers;
using System.Text;
using LlmGateway.Model;
using LlmGateway.Providers.Wire;

namespace LlmGateway.Surfaces;

/// <summary>
/// Writes one answer as Anthropic's events: <c>message_start</c>, the blocks one after the other, <c>message_delta</c>, <c>message_stop</c>.
/// OpenAI's tool calls may interleave and Anthropic's blocks may not, so the first call streams and what comes beside it waits for its end.
/// </summary>
internal sealed class AnthropicClientStream(GatewayRequest request, string id) : ClientStreamWriter
{
    private readonly AnthropicClientEvents _events = new();
    private readonly HeldToolCalls _held = new();
    private readonly ArrayBufferWriter<byte> _heldText = new();
    private BlockKind _open;
    private int _block = -1;
    private int _toolIndex;
    private bool _hasArguments;
    private bool _hasTools;
    private bool _hasRefusal;
    private bool _hasStarted;
    private string? _finish;
    private TokenUsage? _usage;
    private long _tokensSeen;

    private enum BlockKind
    {
        None,
        Text,
        Thinking,
        Tool,
    }

    public override void OnDelta(OpenAiDelta delta, ReadOnlySpan<byte> chunk, IBufferWriter<byte> output)
    {
        Start(delta, chunk, output);
        if (request.ShowsReasoning)
        {
            WriteText(BlockKind.Thinking, delta.Reasoning.Of(chunk), output);
        }

        WriteText(BlockKind.Text, delta.Content.Of(chunk), output);
        WriteText(BlockKind.Text, delta.Refusal.Of(chunk), output);
        _hasRefusal |= !delta.Refusal.IsEmpty;
        foreach (var call in delta.ToolCalls)
        {
            TakeToolCall(call, chunk, output);
        }

        _finish = delta.Finish ?? _finish;
        _usage = delta.Usage ?? _usage;
        if (_held.IsTooMuch || _heldText.WrittenCount > WireFramer.MaxEventBytes)
        {
            Problem = "The provider sent too much beside a tool call; the answer is incomplete.";
        }
    }

    public override void OnPing(IBufferWriter<byte> output)
    {
        if (_hasStarted)
        {
            _events.WritePing(output);
        }
    }

    public override void OnEnd(IBufferWriter<byte> output)
    {
        Start(WireText.Plain([]), output);
        Close(output);
        foreach (var call in _held.Calls)
        {
            OpenTool(call.Id, call.Name, output);
            WriteArguments(WireText.Plain(call.Arguments), output);
            Close(output);
        }

        if (_heldText.WrittenCount > 0)
        {
            Open(BlockKind.Text, output);
            _events.WriteTextDelta(output, _block, WireText.Plain(_heldText.WrittenSpan));
            Close(output);
        }

        var usage = _usage ?? TokenEstimate.Of(request, _tokensSeen);
        _events.WriteMessageEnd(output, _hasRefusal ? "refusal" : AnthropicClientMessageWriter.StopReason(_finish, _hasTools), usage);
    }

    public override void OnFailure(string message, IBufferWriter<byte> output) =>
        AnthropicClientEvents.WriteError(output, message, request.Tally.RequestId);

    /// <summary>The first event tells what is known by then: the input is an estimate, put right in <c>message_delta</c>.</summary>
    private void Start(OpenAiDelta delta, ReadOnlySpan<byte> chunk, IBufferWriter<byte> output) =>
        Start(WireText.Json(delta.Model.Of(chunk)), output);

    private void Start(WireText model, IBufferWriter<byte> output)
    {
        if (!_hasStarted)
        {
            _hasStarted = true;
            var known = model.IsEmpty ? WireText.Plain(Encoding.UTF8.GetBytes(request.Tally.Answer?.Target.Model ?? request.Scan.Model ?? "")) : model;
            _events.WriteMessageStart(output, id, known, TokenEstimate.Of(request, 0));
            _events.WritePing(output);
        }
    }

    private void WriteText(BlockKind kind, ReadOnlySpan<byte> quoted, IBufferWriter<byte> output)
    {
        if (quoted.IsEmpty)
        {
            return;
        }

        _tokensSeen += TokenEstimate.OfText(quoted.Length - 2);
        if (_open == BlockKind.Tool)
        {
            // Behind a call comes nothing of worth as a rule; text waits, late thoughts are left out.
            if (kind == BlockKind.Text)
            {
                _heldText.Write(Encoding.UTF8.GetBytes(HeldToolCalls.TextOf(quoted)));
            }

            return;
        }

        Open(kind, output);
        var text = WireText.Json(quoted);
        if (kind == BlockKind.Text)
        {
            _events.WriteTextDelta(output, _block, text);
        }
        else
        {
            _events.WriteThinkingDelta(output, _block, text);
        }
    }

    private void TakeToolCall(in OpenAiDelta.ToolCallDelta call, ReadOnlySpan<byte> chunk, IBufferWriter<byte> output)
    {
        var arguments = call.Arguments.Of(chunk);
        _tokensSeen += TokenEstimate.OfText(arguments.Length);
        if (!_hasTools)
        {
            _hasTools = true;
            _toolIndex = call.Index;
            OpenTool(HeldToolCalls.TextOf(call.Id.Of(chunk)), HeldToolCalls.TextOf(call.Name.Of(chunk)), output);
        }

        if (call.Index == _toolIndex)
        {
            WriteArguments(WireText.Json(arguments), output);
            return;
        }

        _held.Add(call, chunk);
    }

    private void OpenTool(string toolId, string name, IBufferWriter<byte> output)
    {
        Close(output);
        _open = BlockKind.Tool;
        _hasArguments = false;
        _events.WriteToolStart(output, ++_block, toolId, name);
    }

    private void WriteArguments(WireText json, IBufferWriter<byte> output)
    {
        if (!json.IsEmpty)
        {
            _hasArguments = true;
            _events.WriteInputDelta(output, _block, json);
        }
    }

    private void Open(BlockKind kind, IBufferWriter<byte> output)
    {
        if (_open == kind)
        {
            return;
        }

        Close(output);
        _open = kind;
        _block++;
        if (kind == BlockKind.Text)
        {
            _events.WriteTextStart(output, _block);
        }
        else
        {
            _events.WriteThinkingStart(output, _block);
        }
    }

    private void Close(IBufferWriter<byte> output)
    {
        if (_open == BlockKind.None)
        {
            return;
        }

        if (_open == BlockKind.Tool && !_hasArguments)
        {
            // A call without arguments: clients parse what they have joined.
            WriteArguments(WireText.Plain("{}"u8), output);
        }

        _events.WriteBlockStop(output, _block);
        _open = BlockKind.None;
    }
}
