using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using LlmGateway.Model;
using LlmGateway.Providers.Wire;

namespace LlmGateway.Surfaces;

/// <summary>Writes Anthropic's events, one whole event a call, each with its <c>event:</c> line: SDKs skip an event without.</summary>
[SuppressMessage("Design", "CA1001", Justification = "Over a buffer the JSON writer holds nothing that needs disposal.")]
internal sealed class AnthropicClientEvents
{
    private Utf8JsonWriter? _writer;

    public void WriteMessageStart(IBufferWriter<byte> output, string id, WireText model, TokenUsage estimate)
    {
        var writer = Begin(output, "message_start"u8);
        writer.WriteStartObject("message"u8);
        AnthropicClientMessageWriter.WriteHead(writer, id, model);
        writer.WriteStartArray("content"u8);
        writer.WriteEndArray();
        AnthropicClientMessageWriter.WriteStop(writer, null);
        writer.WriteNull("diagnostics"u8);
        AnthropicClientMessageWriter.WriteUsage(writer, estimate, isDelta: false);
        writer.WriteEndObject();
        End(output);
    }

    public void WritePing(IBufferWriter<byte> output)
    {
        Begin(output, "ping"u8);
        End(output);
    }

    public void WriteTextStart(IBufferWriter<byte> output, int index)
    {
        AnthropicClientMessageWriter.WriteTextBlock(BeginBlock(output, index), WireText.Plain([]));
        End(output);
    }

    public void WriteThinkingStart(IBufferWriter<byte> output, int index)
    {
        AnthropicClientMessageWriter.WriteThinkingBlock(BeginBlock(output, index), WireText.Plain([]));
        End(output);
    }

    public void WriteToolStart(IBufferWriter<byte> output, int index, string id, string name)
    {
        var writer = BeginBlock(output, index);
        AnthropicClientMessageWriter.BeginToolUse(writer, id, name);
        writer.WriteStartObject();
        writer.WriteEndObject();
        writer.WriteEndObject();
        End(output);
    }

    public void WriteTextDelta(IBufferWriter<byte> output, int index, WireText text) => WriteDelta(output, index, "text_delta"u8, "text"u8, text);

    public void WriteThinkingDelta(IBufferWriter<byte> output, int index, WireText text) => WriteDelta(output, index, "thinking_delta"u8, "thinking"u8, text);

    public void WriteInputDelta(IBufferWriter<byte> output, int index, WireText json) => WriteDelta(output, index, "input_json_delta"u8, "partial_json"u8, json);

    public void WriteBlockStop(IBufferWriter<byte> output, int index)
    {
        var writer = Begin(output, "content_block_stop"u8);
        writer.WriteNumber("index"u8, index);
        End(output);
    }

    public void WriteMessageEnd(IBufferWriter<byte> output, string stopReason, TokenUsage usage)
    {
        var writer = Begin(output, "message_delta"u8);
        writer.WriteStartObject("delta"u8);
        AnthropicClientMessageWriter.WriteStop(writer, stopReason);
        writer.WriteEndObject();
        AnthropicClientMessageWriter.WriteUsage(writer, usage, isDelta: true);
        End(output);
        Begin(output, "message_stop"u8);
        End(output);
    }

    public static void WriteError(IBufferWriter<byte> output, string message, string requestId)
    {
        output.Write("event: error\ndata: "u8);
        output.Write(AnthropicClientErrors.Write(AnthropicClientErrors.ApiError, message, requestId));
        output.Write("\n\n"u8);
    }

    private void WriteDelta(IBufferWriter<byte> output, int index, ReadOnlySpan<byte> type, ReadOnlySpan<byte> member, WireText text)
    {
        var writer = Begin(output, "content_block_delta"u8);
        writer.WriteNumber("index"u8, index);
        writer.WriteStartObject("delta"u8);
        writer.WriteString("type"u8, type);
        writer.WritePropertyName(member);
        text.WriteTo(writer);
        writer.WriteEndObject();
        End(output);
    }

    private Utf8JsonWriter BeginBlock(IBufferWriter<byte> output, int index)
    {
        var writer = Begin(output, "content_block_start"u8);
        writer.WriteNumber("index"u8, index);
        writer.WritePropertyName("content_block"u8);
        return writer;
    }

    private Utf8JsonWriter Begin(IBufferWriter<byte> output, ReadOnlySpan<byte> type)
    {
        output.Write("event: "u8);
        output.Write(type);
        output.Write("\ndata: "u8);
        if (_writer is null)
        {
            _writer = new Utf8JsonWriter(output, OpenAiJson.Writing);
        }
        else
        {
            _writer.Reset(output);
        }

        _writer.WriteStartObject();
        _writer.WriteString("type"u8, type);
        return _writer;
    }

    private void End(IBufferWriter<byte> output)
    {
        _writer!.WriteEndObject();
        _writer.Flush();
        output.Write("\n\n"u8);
    }
}
