using System.Buffers;
using System.Globalization;
using System.Text.Json;
using LlmGateway.Model;
using LlmGateway.Providers.Wire;

namespace LlmGateway.Surfaces;

/// <summary>Writes one object of Ollama's answers: a line of a stream, or the whole. The steps are called in order: begin, what it says, end.</summary>
internal sealed class OllamaClientLine : IDisposable
{
    private readonly Utf8JsonWriter _writer;
    private readonly bool _isChat;

    public OllamaClientLine(IBufferWriter<byte> output, bool isChat, WireText model, DateTimeOffset time)
    {
        _isChat = isChat;
        _writer = new Utf8JsonWriter(output, OpenAiJson.Writing);
        _writer.WriteStartObject();
        _writer.WritePropertyName("model"u8);
        model.WriteTo(_writer);
        _writer.WriteString("created_at"u8, time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fffffff'Z'", CultureInfo.InvariantCulture));
    }

    /// <summary>In a chat the text stands inside a message, else beside its name.</summary>
    public void WriteSaid(WireText content, WireText thinking, IReadOnlyList<OllamaClientToolCall>? calls)
    {
        if (_isChat)
        {
            _writer.WriteStartObject("message"u8);
            _writer.WriteString("role"u8, "assistant"u8);
        }

        _writer.WritePropertyName(_isChat ? "content"u8 : "response"u8);
        if (content.IsEmpty)
        {
            _writer.WriteStringValue(""u8);
        }
        else
        {
            content.WriteTo(_writer);
        }

        if (!thinking.IsEmpty)
        {
            _writer.WritePropertyName("thinking"u8);
            thinking.WriteTo(_writer);
        }

        if (_isChat)
        {
            WriteCalls(calls);
            _writer.WriteEndObject();
        }
    }

    /// <summary>A line that others follow.</summary>
    public void EndOpen()
    {
        _writer.WriteBoolean("done"u8, false);
        _writer.WriteEndObject();
        _writer.Flush();
    }

    /// <summary>The last one: why it ended, and what it took.</summary>
    public void EndDone(string reason, TokenUsage? usage, OllamaClientTimes times)
    {
        _writer.WriteBoolean("done"u8, true);
        _writer.WriteString("done_reason"u8, reason);
        if (usage is { } known)
        {
            _writer.WriteNumber("total_duration"u8, times.Total);
            _writer.WriteNumber("load_duration"u8, 0);
            _writer.WriteNumber("prompt_eval_count"u8, known.Input);
            if (known.CachedInput > 0)
            {
                _writer.WriteNumber("prompt_eval_cached_count"u8, known.CachedInput);
            }

            _writer.WriteNumber("prompt_eval_duration"u8, times.Prompt);
            _writer.WriteNumber("eval_count"u8, known.Output);
            _writer.WriteNumber("eval_duration"u8, times.Output);
        }

        _writer.WriteEndObject();
        _writer.Flush();
    }

    public void Dispose() => _writer.Dispose();

    private void WriteCalls(IReadOnlyList<OllamaClientToolCall>? calls)
    {
        if (calls is not { Count: > 0 })
        {
            return;
        }

        _writer.WriteStartArray("tool_calls"u8);
        for (var i = 0; i < calls.Count; i++)
        {
            _writer.WriteStartObject();
            if (calls[i].Id.Length > 0)
            {
                _writer.WriteString("id"u8, calls[i].Id);
            }

            _writer.WriteStartObject("function"u8);
            _writer.WriteNumber("index"u8, i);
            _writer.WriteString("name"u8, calls[i].Name);
            _writer.WritePropertyName("arguments"u8);
            ToolArguments.Write(_writer, calls[i].Arguments);
            _writer.WriteEndObject();
            _writer.WriteEndObject();
        }

        _writer.WriteEndArray();
    }
}
