using System.Buffers;
using System.Text;
using System.Text.Json;
using LlmGateway.Model;
using LlmGateway.Providers.Wire;

namespace LlmGateway.Providers;

/// <summary>Translates the events of Anthropic's stream into OpenAI's chunks. Types of events, blocks and deltas that it does not know are passed over.</summary>
internal sealed class AnthropicStreamTranslator(CompletionStamp stamp, bool tellsUsage, AnthropicThoughts thoughts, Func<Guid> newGuid)
    : StreamTranslator(WireFraming.ServerSentEvents)
{
    private readonly AnthropicEvent _event = new();
    private readonly OpenAiChunkWriter _chunks = new(stamp, tellsUsage);
    private readonly Dictionary<long, AnthropicOpenBlock> _open = [];
    private bool _hasRole;
    private int _toolCalls;

    public override void OnEvent(in WireEvent wireEvent, IBufferWriter<byte> output)
    {
        var json = wireEvent.Data;
        if (IsDone || Error is not null || json.IsEmpty)
        {
            return;
        }

        if (json.StartsWith("[DONE]"u8))
        {
            // OpenAI's mark, added by servers that imitate Anthropic; without a finish before it, it completes nothing.
            IsDone = HasFinish;
            return;
        }

        if (!_event.TryRead(json))
        {
            FailInvalid("An event of the stream is not a JSON object.");
            return;
        }

        var type = _event.Type.IsEmpty ? wireEvent.Name : Inside(_event.Type, json);
        if (_event.HasError || type.SequenceEqual("error"u8))
        {
            Error = AnthropicErrors.ReadInside(json);
            return;
        }

        OnEvent(type, json, output);
        NoteUsage();
    }

    public override void OnEnd(IBufferWriter<byte> output)
    {
        if (!HasFinish || Error is not null)
        {
            return;
        }

        if (tellsUsage && (Usage ?? EstimatedUsage) is { } usage)
        {
            _chunks.WriteUsage(output, usage);
        }

        OpenAiChunkWriter.WriteDone(output);
    }

    private void OnEvent(ReadOnlySpan<byte> type, ReadOnlySpan<byte> json, IBufferWriter<byte> output)
    {
        if (type.SequenceEqual("message_stop"u8))
        {
            if (HasFirstToken && !HasFinish)
            {
                // It says that all is there, and not why it ends here.
                WriteFinish(default, default, output);
            }

            IsDone = true;
        }
        else if (HasFinish)
        {
            return;
        }

        if (type.SequenceEqual("content_block_delta"u8))
        {
            OnDelta(json, output);
        }
        else if (type.SequenceEqual("content_block_start"u8))
        {
            OnBlockStart(json, output);
        }
        else if (type.SequenceEqual("content_block_stop"u8))
        {
            if (_open.Remove(_event.Index, out var block))
            {
                Close(block, output);
            }
        }
        else if (type.SequenceEqual("message_delta"u8))
        {
            if (!_event.StopReason.IsEmpty)
            {
                WriteFinish(Inside(_event.StopReason, json), WireText.Json(_event.Explanation.Of(json)), output);
            }
        }
        else if (type.SequenceEqual("message_start"u8))
        {
            WriteRoleOnce(output);
        }
    }

    private void OnBlockStart(ReadOnlySpan<byte> json, IBufferWriter<byte> output)
    {
        var part = _event.Part;
        var type = Inside(part.Type, json);
        if (type.SequenceEqual("text"u8))
        {
            WriteContent(WireText.Json(part.Text.Of(json)), output);
        }
        else if (type.SequenceEqual("thinking"u8))
        {
            var block = AnthropicOpenBlock.OfThinking();
            _open[_event.Index] = block;
            TakeThinking(block, json, output);
        }
        else if (type.SequenceEqual("redacted_thinking"u8))
        {
            thoughts.Add(_event.Block.Of(json));
        }
        else if (type.SequenceEqual("tool_use"u8))
        {
            OnToolStart(json, output);
        }
    }

    private void OnToolStart(ReadOnlySpan<byte> json, IBufferWriter<byte> output)
    {
        var part = _event.Part;
        if (part.Name.Length <= 2)
        {
            FailInvalid("A tool call in the stream has no name.");
            return;
        }

        // The input at the start is empty; the deltas bring it. Some servers send it whole here, and no delta.
        _open[_event.Index] = AnthropicOpenBlock.OfTool(_toolCalls, part.Input.Of(json).ToArray());
        WriteRoleOnce(output);
        if (part.Id.Length > 2)
        {
            KeepThoughts(part.Id.Of(json));
        }

        var id = part.Id.Length > 2 ? WireText.Json(part.Id.Of(json)) : WireText.Plain(Encoding.ASCII.GetBytes($"call_{newGuid():N}"));
        _chunks.WriteToolCallStart(output, _toolCalls++, id, WireText.Json(part.Name.Of(json)));
        HasFirstToken = true;
    }

    private void OnDelta(ReadOnlySpan<byte> json, IBufferWriter<byte> output)
    {
        var part = _event.Part;
        if (!part.Text.IsEmpty)
        {
            WriteContent(WireText.Json(part.Text.Of(json)), output);
            return;
        }

        if (!_open.TryGetValue(_event.Index, out var block))
        {
            if (!part.Thinking.IsEmpty)
            {
                WriteReasoning(WireText.Json(part.Thinking.Of(json)), output);
            }

            return;
        }

        if (block.ToolIndex is { } index)
        {
            var fragment = WireText.Json(part.PartialJson.Of(json));
            if (!fragment.IsEmpty)
            {
                block.HasArguments = true;
                WriteArguments(index, fragment, output);
            }
        }
        else
        {
            TakeThinking(block, json, output);
        }
    }

    private void TakeThinking(AnthropicOpenBlock block, ReadOnlySpan<byte> json, IBufferWriter<byte> output)
    {
        var part = _event.Part;
        block.AppendThinking(Inside(part.Thinking, json));
        block.AppendSignature(Inside(part.Signature, json));
        WriteReasoning(WireText.Json(part.Thinking.Of(json)), output);
    }

    private void Close(AnthropicOpenBlock block, IBufferWriter<byte> output)
    {
        if (block.ToolIndex is not { } index)
        {
            thoughts.AddThinking(block.Thinking, block.Signature);
        }
        else if (!block.HasArguments)
        {
            WriteArguments(index, WireText.Plain(block.Input.IsEmpty ? "{}"u8 : block.Input), output);
        }
    }

    private void WriteFinish(ReadOnlySpan<byte> reason, WireText explanation, IBufferWriter<byte> output)
    {
        foreach (var block in _open.Values)
        {
            Close(block, output);
        }

        _open.Clear();
        WriteRoleOnce(output);
        var finish = AnthropicStopReason.Translate(reason, _toolCalls > 0);
        if (finish == FinishReason.ContentFilter && !explanation.IsEmpty)
        {
            _chunks.WriteRefusal(output, explanation);
        }

        _chunks.WriteFinish(output, finish);
        HasFirstToken = HasFinish = true;
    }

    private void WriteContent(WireText text, IBufferWriter<byte> output)
    {
        if (!text.IsEmpty)
        {
            WriteRoleOnce(output);
            _chunks.WriteContent(output, text);
            CountOutput(text.Utf8Length);
            HasFirstToken = true;
        }
    }

    private void WriteReasoning(WireText text, IBufferWriter<byte> output)
    {
        if (!text.IsEmpty)
        {
            WriteRoleOnce(output);
            _chunks.WriteReasoning(output, text);
            CountOutput(text.Utf8Length);
            HasFirstToken = true;
        }
    }

    private void WriteArguments(int index, WireText fragment, IBufferWriter<byte> output)
    {
        _chunks.WriteToolCallArguments(output, index, fragment);
        CountOutput(fragment.Utf8Length);
    }

    private void WriteRoleOnce(IBufferWriter<byte> output)
    {
        if (!_hasRole)
        {
            _hasRole = true;
            _chunks.WriteRole(output);
        }
    }

    /// <summary>The output count at the start is a placeholder: until the finish tells the real one, the gateway's own count stands in.</summary>
    private void NoteUsage()
    {
        if (HasFirstToken)
        {
            Usage = (HasFinish ? _event.Usage.ToUsage() : null) ?? _event.Usage.ToEstimate(TokensSeen);
        }
    }

    private void KeepThoughts(ReadOnlySpan<byte> id)
    {
        var reader = new Utf8JsonReader(id);
        try
        {
            reader.Read();
            thoughts.KeepFor(reader.GetString()!);
        }
        catch (InvalidOperationException)
        {
            // An id with half of a surrogate pair: no client can send it back.
        }
    }

    /// <summary>The inside of a JSON string, escapes and all; nothing where there is none.</summary>
    private static ReadOnlySpan<byte> Inside(JsonRange range, ReadOnlySpan<byte> json) => range.IsEmpty ? default : range.Of(json)[1..^1];
}
