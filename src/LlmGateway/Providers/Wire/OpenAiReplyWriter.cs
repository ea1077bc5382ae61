using System.Buffers;
using System.Text.Json;
using LlmGateway.Model;

namespace LlmGateway.Providers.Wire;

/// <summary>
/// Writes one whole <c>chat.completion</c>. The steps are called in order: <see cref="Begin"/>, any number of <see cref="WriteToolCall"/>,
/// <see cref="End"/>; where there are several choices, <see cref="EndChoice"/> and the next <see cref="Begin"/> between them.
/// </summary>
internal sealed class OpenAiReplyWriter : IDisposable
{
    private readonly Utf8JsonWriter _writer;
    private readonly bool _usesFunctions;
    private bool _hasToolCalls;
    private bool _hasFunctionCall;
    private int _choice;

    public OpenAiReplyWriter(IBufferWriter<byte> output, CompletionStamp stamp)
    {
        _usesFunctions = stamp.UsesFunctions;
        _writer = new Utf8JsonWriter(output, OpenAiJson.Writing);
        _writer.WriteStartObject();
        _writer.WriteString("id"u8, stamp.Id);
        _writer.WriteString("object"u8, "chat.completion"u8);
        _writer.WriteNumber("created"u8, stamp.Created);
        _writer.WriteString("model"u8, stamp.Model);
    }

    /// <summary>Writes what the message says. Content that is empty is null beside tool calls or a refusal, else the empty string.</summary>
    /// <param name="content">The text.</param>
    /// <param name="reasoning">The thoughts before it.</param>
    /// <param name="refusal">The model's refusal.</param>
    /// <param name="hasToolCalls">Whether <see cref="WriteToolCall"/> follows.</param>
    /// <param name="images">Pictures as data URIs, in the member that OpenRouter and others have for them.</param>
    public void Begin(WireText content, WireText reasoning, WireText refusal, bool hasToolCalls, IReadOnlyList<string>? images = null)
    {
        _hasToolCalls = hasToolCalls;
        _hasFunctionCall = false;
        if (_choice == 0)
        {
            _writer.WriteStartArray("choices"u8);
        }

        _writer.WriteStartObject();
        _writer.WriteNumber("index"u8, _choice++);
        _writer.WriteStartObject("message"u8);
        _writer.WriteString("role"u8, "assistant"u8);
        _writer.WritePropertyName("content"u8);
        if (content.IsEmpty && (hasToolCalls || !refusal.IsEmpty))
        {
            _writer.WriteNullValue();
        }
        else
        {
            content.WriteTo(_writer);
        }

        _writer.WritePropertyName("refusal"u8);
        if (refusal.IsEmpty)
        {
            _writer.WriteNullValue();
        }
        else
        {
            refusal.WriteTo(_writer);
        }

        if (!reasoning.IsEmpty)
        {
            _writer.WritePropertyName("reasoning_content"u8);
            reasoning.WriteTo(_writer);
        }

        if (images is { Count: > 0 })
        {
            OpenAiImages.Write(_writer, images);
        }

        if (hasToolCalls && !_usesFunctions)
        {
            _writer.WriteStartArray("tool_calls"u8);
        }
    }

    /// <summary>The deprecated form has room for one call: further ones are left out, and the model makes them when it has the first one's result.</summary>
    public void WriteToolCall(WireText id, WireText name, WireText arguments)
    {
        if (_usesFunctions)
        {
            if (!_hasFunctionCall)
            {
                _hasFunctionCall = true;
                WriteFunction("function_call"u8, name, arguments);
            }

            return;
        }

        _writer.WriteStartObject();
        _writer.WritePropertyName("id"u8);
        id.WriteTo(_writer);
        _writer.WriteString("type"u8, "function"u8);
        WriteFunction("function"u8, name, arguments);
        _writer.WriteEndObject();
    }

    /// <summary>Ends one choice; another follows.</summary>
    /// <param name="reason">Why the model stopped.</param>
    /// <param name="logprobs">OpenAI's <c>logprobs</c> object as JSON; empty: null.</param>
    public void EndChoice(FinishReason reason, ReadOnlySpan<byte> logprobs = default)
    {
        if (_hasToolCalls && !_usesFunctions)
        {
            _writer.WriteEndArray();
        }

        _writer.WriteEndObject();
        _writer.WritePropertyName("logprobs"u8);
        if (logprobs.IsEmpty)
        {
            _writer.WriteNullValue();
        }
        else
        {
            _writer.WriteRawValue(logprobs, skipInputValidation: true);
        }

        _writer.WriteString("finish_reason"u8, reason.ToUtf8(_usesFunctions));
        _writer.WriteEndObject();
    }

    /// <summary>Ends the last choice and the completion.</summary>
    /// <param name="reason">Why the model stopped.</param>
    /// <param name="usage">Null leaves <c>usage</c> out: what nobody counted is not written as zero.</param>
    /// <param name="logprobs">OpenAI's <c>logprobs</c> object as JSON; empty: null.</param>
    public void End(FinishReason reason, TokenUsage? usage, ReadOnlySpan<byte> logprobs = default)
    {
        EndChoice(reason, logprobs);
        _writer.WriteEndArray();
        if (usage is { } known)
        {
            _writer.WritePropertyName("usage"u8);
            OpenAiUsage.Write(_writer, known);
        }

        _writer.WriteEndObject();
        _writer.Flush();
    }

    public void Dispose() => _writer.Dispose();

    private void WriteFunction(ReadOnlySpan<byte> member, WireText name, WireText arguments)
    {
        _writer.WriteStartObject(member);
        _writer.WritePropertyName("name"u8);
        name.WriteTo(_writer);
        _writer.WritePropertyName("arguments"u8);
        arguments.WriteTo(_writer);
        _writer.WriteEndObject();
    }
}
