using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using LlmGateway.Model;

namespace LlmGateway.Providers.Wire;

/// <summary>
/// Writes one stream of <c>chat.completion.chunk</c> events. What all chunks share is encoded once; each call writes one whole event.
/// </summary>
/// <param name="stamp">Id, time and model, the same in every chunk.</param>
/// <param name="tellsUsage">Whether the client asked for usage: then every chunk before the usage chunk carries <c>"usage":null</c>.</param>
[SuppressMessage("Design", "CA1001", Justification = "Over a buffer the JSON writer holds nothing that needs disposal.")]
internal sealed class OpenAiChunkWriter(CompletionStamp stamp, bool tellsUsage)
{
    private readonly byte[] _head = EncodeHead(stamp);
    private Utf8JsonWriter? _writer;

    /// <summary>The choice that the next chunks belong to.</summary>
    public int Choice { get; set; }

    public void WriteRole(IBufferWriter<byte> output)
    {
        var writer = BeginDelta(output);
        writer.WriteString("role"u8, "assistant"u8);
        writer.WriteString("content"u8, ""u8);
        writer.WriteNull("refusal"u8);
        EndDelta(writer, output);
    }

    /// <param name="output">Where the event goes.</param>
    /// <param name="text">The piece of content.</param>
    /// <param name="logprobs">OpenAI's <c>logprobs</c> object as JSON; empty: null.</param>
    public void WriteContent(IBufferWriter<byte> output, WireText text, ReadOnlySpan<byte> logprobs = default) =>
        WriteText(output, "content"u8, text, logprobs);

    public void WriteReasoning(IBufferWriter<byte> output, WireText text, ReadOnlySpan<byte> logprobs = default) =>
        WriteText(output, "reasoning_content"u8, text, logprobs);

    public void WriteRefusal(IBufferWriter<byte> output, WireText text) => WriteText(output, "refusal"u8, text, default);

    /// <summary>A picture as a data URI, in the member that OpenRouter and others have for it.</summary>
    public void WriteImage(IBufferWriter<byte> output, string dataUri)
    {
        var writer = BeginDelta(output);
        OpenAiImages.Write(writer, [dataUri]);
        EndDelta(writer, output);
    }

    /// <summary>
    /// Opens a tool call. Id, type and name are sent this once: some clients append what is repeated. The deprecated form has room for
    /// one call: further ones are left out, and the model makes them when it has the first one's result.
    /// </summary>
    public void WriteToolCallStart(IBufferWriter<byte> output, int index, WireText id, WireText name)
    {
        if (stamp.UsesFunctions)
        {
            WriteFunctionCall(output, index, name, WireText.Plain(""u8));
            return;
        }

        var writer = BeginToolCall(output, index);
        writer.WritePropertyName("id"u8);
        id.WriteTo(writer);
        writer.WriteString("type"u8, "function"u8);
        writer.WriteStartObject("function"u8);
        writer.WritePropertyName("name"u8);
        name.WriteTo(writer);
        writer.WriteString("arguments"u8, ""u8);
        EndToolCall(writer, output);
    }

    public void WriteToolCallArguments(IBufferWriter<byte> output, int index, WireText fragment)
    {
        if (stamp.UsesFunctions)
        {
            WriteFunctionCall(output, index, WireText.None, fragment);
            return;
        }

        var writer = BeginToolCall(output, index);
        writer.WriteStartObject("function"u8);
        writer.WritePropertyName("arguments"u8);
        fragment.WriteTo(writer);
        EndToolCall(writer, output);
    }

    public void WriteFinish(IBufferWriter<byte> output, FinishReason reason)
    {
        var writer = BeginDelta(output);
        EndDelta(writer, output, default, reason);
    }

    /// <summary>The chunk without choices that tells a client what it asked for.</summary>
    public void WriteUsage(IBufferWriter<byte> output, TokenUsage usage)
    {
        var writer = BeginChunk(output);
        writer.WriteStartArray("choices"u8);
        writer.WriteEndArray();
        writer.WritePropertyName("usage"u8);
        OpenAiUsage.Write(writer, usage);
        EndChunk(writer, output);
    }

    public static void WriteDone(IBufferWriter<byte> output) => output.Write("data: [DONE]\n\n"u8);

    private void WriteText(IBufferWriter<byte> output, ReadOnlySpan<byte> member, WireText text, ReadOnlySpan<byte> logprobs)
    {
        var writer = BeginDelta(output);
        writer.WritePropertyName(member);
        text.WriteTo(writer);
        EndDelta(writer, output, logprobs);
    }

    private void WriteFunctionCall(IBufferWriter<byte> output, int index, WireText name, WireText arguments)
    {
        if (index > 0)
        {
            return;
        }

        var writer = BeginDelta(output);
        writer.WriteStartObject("function_call"u8);
        if (!name.IsEmpty)
        {
            writer.WritePropertyName("name"u8);
            name.WriteTo(writer);
        }

        writer.WritePropertyName("arguments"u8);
        arguments.WriteTo(writer);
        writer.WriteEndObject();
        EndDelta(writer, output);
    }

    private Utf8JsonWriter BeginToolCall(IBufferWriter<byte> output, int index)
    {
        var writer = BeginDelta(output);
        writer.WriteStartArray("tool_calls"u8);
        writer.WriteStartObject();
        writer.WriteNumber("index"u8, index);
        return writer;
    }

    private void EndToolCall(Utf8JsonWriter writer, IBufferWriter<byte> output)
    {
        writer.WriteEndObject();
        writer.WriteEndObject();
        writer.WriteEndArray();
        EndDelta(writer, output);
    }

    private Utf8JsonWriter BeginDelta(IBufferWriter<byte> output)
    {
        var writer = BeginChunk(output);
        writer.WriteStartArray("choices"u8);
        writer.WriteStartObject();
        writer.WriteNumber("index"u8, Choice);
        writer.WriteStartObject("delta"u8);
        return writer;
    }

    private void EndDelta(Utf8JsonWriter writer, IBufferWriter<byte> output, ReadOnlySpan<byte> logprobs = default, FinishReason? reason = null)
    {
        writer.WriteEndObject();
        writer.WritePropertyName("logprobs"u8);
        if (logprobs.IsEmpty)
        {
            writer.WriteNullValue();
        }
        else
        {
            writer.WriteRawValue(logprobs, skipInputValidation: true);
        }

        writer.WritePropertyName("finish_reason"u8);
        if (reason is { } finish)
        {
            writer.WriteStringValue(finish.ToUtf8(stamp.UsesFunctions));
        }
        else
        {
            writer.WriteNullValue();
        }

        writer.WriteEndObject();
        writer.WriteEndArray();
        if (tellsUsage)
        {
            writer.WriteNull("usage"u8);
        }

        EndChunk(writer, output);
    }

    private Utf8JsonWriter BeginChunk(IBufferWriter<byte> output)
    {
        output.Write(_head);
        if (_writer is null)
        {
            _writer = new Utf8JsonWriter(output, OpenAiJson.Writing);
        }
        else
        {
            _writer.Reset(output);
        }

        return _writer;
    }

    private static void EndChunk(Utf8JsonWriter writer, IBufferWriter<byte> output)
    {
        writer.Flush();
        output.Write("}\n\n"u8);
    }

    private static byte[] EncodeHead(CompletionStamp stamp)
    {
        var buffer = new ArrayBufferWriter<byte>(256);
        buffer.Write("data: "u8);
        using (var writer = new Utf8JsonWriter(buffer, OpenAiJson.Writing))
        {
            writer.WriteStartObject();
            writer.WriteString("id"u8, stamp.Id);
            writer.WriteString("object"u8, "chat.completion.chunk"u8);
            writer.WriteNumber("created"u8, stamp.Created);
            writer.WriteString("model"u8, stamp.Model);
        }

        // The rest of each chunk follows as more members of this object, so it stays open.
        buffer.Write(","u8);
        return buffer.WrittenSpan.ToArray();
    }
}
