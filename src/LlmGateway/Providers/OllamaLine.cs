using System.Text.Json;
using System.Text.Unicode;
using LlmGateway.Model;

namespace LlmGateway.Providers;

/// <summary>
/// What one object of Ollama's <c>/api/chat</c> or <c>/api/generate</c> says, a stream's line or a whole reply: where its values stand in the bytes. One instance is
/// read into again and again, so that a line costs no allocation.
/// </summary>
internal sealed class OllamaLine
{
    private readonly List<ToolCall> _toolCalls = [];

    /// <summary>Where one tool call's members stand; empty where it has none.</summary>
    public readonly record struct ToolCall(JsonRange Id, JsonRange Name, JsonRange Arguments);

    public JsonRange Content { get; private set; }

    public JsonRange Thinking { get; private set; }

    /// <summary>Ollama's list of token probabilities.</summary>
    public JsonRange Logprobs { get; private set; }

    public JsonRange Error { get; private set; }

    public IReadOnlyList<ToolCall> ToolCalls => _toolCalls;

    /// <summary>Whether nothing follows. A reason alone counts too: some servers leave <c>done</c> out.</summary>
    public bool IsLast { get; private set; }

    /// <summary>Whether it was the token limit that ended the answer.</summary>
    public bool HitLimit { get; private set; }

    public long? PromptTokens { get; private set; }

    public long? OutputTokens { get; private set; }

    public long? CachedTokens { get; private set; }

    /// <summary>Reads one object; false where the bytes are none.</summary>
    public bool TryRead(ReadOnlySpan<byte> json)
    {
        Clear();
        if (!Utf8.IsValid(json))
        {
            return false;
        }

        try
        {
            var reader = new Utf8JsonReader(json);
            if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject)
            {
                return false;
            }

            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                ReadMember(ref reader);
            }

            // One more read makes the reader refuse what stands behind the object.
            return !reader.Read();
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            // The second comes from comparing a name that has half of a surrogate pair in it.
            return false;
        }
    }

    /// <summary>The reported usage. Ollama leaves a zero out, so a missing count is a zero only where nothing was put out, else unknown.</summary>
    public TokenUsage? ReadUsage(bool hasOutput)
    {
        if (PromptTokens is not { } input || (OutputTokens is null && hasOutput))
        {
            return null;
        }

        var usage = new TokenUsage(input, OutputTokens ?? 0, CachedTokens ?? 0);
        return usage.IsSane ? usage : null;
    }

    private void Clear()
    {
        _toolCalls.Clear();
        Content = Thinking = Logprobs = Error = default;
        IsLast = HitLimit = false;
        PromptTokens = OutputTokens = CachedTokens = null;
    }

    private void ReadMember(ref Utf8JsonReader reader)
    {
        if (reader.ValueTextEquals("message"u8))
        {
            ReadMessage(ref reader);
        }
        else if (reader.ValueTextEquals("response"u8))
        {
            // What follows a prompt stands beside its name, not inside a message.
            var text = ReadRange(ref reader, JsonTokenType.String);
            Content = Content.IsEmpty ? text : Content;
        }
        else if (reader.ValueTextEquals("thinking"u8))
        {
            var text = ReadRange(ref reader, JsonTokenType.String);
            Thinking = Thinking.IsEmpty ? text : Thinking;
        }
        else if (reader.ValueTextEquals("done"u8))
        {
            reader.Read();
            IsLast |= reader.TokenType == JsonTokenType.True;
            reader.Skip();
        }
        else if (reader.ValueTextEquals("done_reason"u8))
        {
            reader.Read();
            if (reader.TokenType == JsonTokenType.String && !reader.ValueSpan.IsEmpty)
            {
                IsLast = true;
                HitLimit = reader.ValueTextEquals("length"u8);
            }

            reader.Skip();
        }
        else if (reader.ValueTextEquals("error"u8))
        {
            Error = ReadError(ref reader);
        }
        else if (reader.ValueTextEquals("logprobs"u8))
        {
            Logprobs = ReadRange(ref reader, JsonTokenType.StartArray);
        }
        else if (reader.ValueTextEquals("prompt_eval_count"u8))
        {
            PromptTokens = ReadCount(ref reader);
        }
        else if (reader.ValueTextEquals("eval_count"u8))
        {
            OutputTokens = ReadCount(ref reader);
        }
        else if (reader.ValueTextEquals("prompt_eval_cached_count"u8))
        {
            CachedTokens = ReadCount(ref reader);
        }
        else
        {
            reader.Skip();
        }
    }

    private void ReadMessage(ref Utf8JsonReader reader)
    {
        if (!EntersObject(ref reader))
        {
            return;
        }

        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueTextEquals("content"u8))
            {
                Content = ReadRange(ref reader, JsonTokenType.String);
            }
            else if (reader.ValueTextEquals("thinking"u8))
            {
                Thinking = ReadRange(ref reader, JsonTokenType.String);
            }
            else if (reader.ValueTextEquals("tool_calls"u8))
            {
                ReadToolCalls(ref reader);
            }
            else
            {
                reader.Skip();
            }
        }
    }

    private void ReadToolCalls(ref Utf8JsonReader reader)
    {
        reader.Read();
        if (reader.TokenType != JsonTokenType.StartArray)
        {
            reader.Skip();
            return;
        }

        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            if (reader.TokenType != JsonTokenType.StartObject)
            {
                throw new JsonException("A tool call must be an object.");
            }

            _toolCalls.Add(ReadToolCall(ref reader));
        }
    }

    private static ToolCall ReadToolCall(ref Utf8JsonReader reader)
    {
        var call = default(ToolCall);
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueTextEquals("id"u8))
            {
                call = call with { Id = ReadRange(ref reader, JsonTokenType.String) };
            }
            else if (!reader.ValueTextEquals("function"u8))
            {
                reader.Skip();
            }
            else if (EntersObject(ref reader))
            {
                while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
                {
                    if (reader.ValueTextEquals("name"u8))
                    {
                        call = call with { Name = ReadRange(ref reader, JsonTokenType.String) };
                    }
                    else if (reader.ValueTextEquals("arguments"u8))
                    {
                        call = call with { Arguments = ReadRange(ref reader, JsonTokenType.StartObject, JsonTokenType.String) };
                    }
                    else
                    {
                        reader.Skip();
                    }
                }
            }
        }

        return call;
    }

    private static bool EntersObject(ref Utf8JsonReader reader)
    {
        reader.Read();
        if (reader.TokenType == JsonTokenType.StartObject)
        {
            return true;
        }

        reader.Skip();
        return false;
    }

    /// <summary>An error that is null, false or "" is none.</summary>
    private static JsonRange ReadError(ref Utf8JsonReader reader)
    {
        var range = ReadRange(ref reader, JsonTokenType.String, JsonTokenType.StartObject);
        return range.Length <= 2 ? default : range;
    }

    private static long? ReadCount(ref Utf8JsonReader reader)
    {
        reader.Read();
        if (reader.TokenType == JsonTokenType.Number && reader.TryGetInt64(out var count))
        {
            return count;
        }

        reader.Skip();
        return null;
    }

    private static JsonRange ReadRange(ref Utf8JsonReader reader, JsonTokenType kind, JsonTokenType otherKind = JsonTokenType.None)
    {
        reader.Read();
        var isWanted = reader.TokenType == kind || reader.TokenType == otherKind;
        var start = (int)reader.TokenStartIndex;
        reader.Skip();
        return isWanted ? new JsonRange(start, (int)reader.BytesConsumed - start) : default;
    }
}
