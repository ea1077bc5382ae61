using System.Text.Json;

namespace LlmGateway.Providers;

/// <summary>What one choice of a completion or chunk holds, as far as the gateway needs to know.</summary>
internal struct OpenAiChoice
{
    public int Index { get; private set; }

    /// <summary>Bytes of content, reasoning, refusal and tool calls.</summary>
    public int OutputBytes { get; private set; }

    /// <summary>Whether any of these is there and not empty.</summary>
    public bool HasOutput { get; private set; }

    public bool HasFinish { get; private set; }

    /// <summary>Whether the provider says that this choice failed (<c>finish_reason: "error"</c>, or an error object of its own).</summary>
    public bool IsError { get; private set; }

    /// <summary>Reads the object that <paramref name="reader"/> stands on; false (and skipped) if it is none.</summary>
    public bool Read(ref Utf8JsonReader reader)
    {
        if (reader.TokenType != JsonTokenType.StartObject)
        {
            reader.Skip();
            return false;
        }

        while (reader.Read() && reader.TokenType != JsonTokenType.EndObject)
        {
            if (reader.ValueTextEquals("delta"u8) || reader.ValueTextEquals("message"u8))
            {
                reader.Read();
                ReadMessage(ref reader);
            }
            else if (reader.ValueTextEquals("finish_reason"u8))
            {
                reader.Read();
                HasFinish |= reader.TokenType == JsonTokenType.String && !reader.ValueSpan.IsEmpty;
                IsError |= reader.TokenType == JsonTokenType.String && reader.ValueTextEquals("error"u8);
                reader.Skip();
            }
            else if (reader.ValueTextEquals("index"u8))
            {
                reader.Read();
                Index = reader.TokenType == JsonTokenType.Number && reader.TryGetInt32(out var index) ? index : 0;
                reader.Skip();
            }
            else if (reader.ValueTextEquals("error"u8))
            {
                reader.Read();
                IsError |= reader.TokenType == JsonTokenType.StartObject;
                reader.Skip();
            }
            else if (reader.ValueTextEquals("text"u8))
            {
                // A legacy completion's.
                reader.Read();
                NoteText(ref reader);
                reader.Skip();
            }
            else
            {
                reader.Read();
                reader.Skip();
            }
        }

        return true;
    }

    private void NoteText(ref Utf8JsonReader reader)
    {
        if (reader.TokenType == JsonTokenType.String)
        {
            OutputBytes += reader.ValueSpan.Length;
            HasOutput |= !reader.ValueSpan.IsEmpty;
        }
    }

    private void ReadMessage(ref Utf8JsonReader reader)
    {
        if (reader.TokenType != JsonTokenType.StartObject)
        {
            reader.Skip();
            return;
        }

        while (reader.Read() && reader.TokenType != JsonTokenType.EndObject)
        {
            var isText = reader.ValueTextEquals("content"u8) || reader.ValueTextEquals("reasoning_content"u8)
                || reader.ValueTextEquals("reasoning"u8) || reader.ValueTextEquals("refusal"u8);
            var isCall = !isText && (reader.ValueTextEquals("tool_calls"u8) || reader.ValueTextEquals("function_call"u8) || reader.ValueTextEquals("audio"u8));
            reader.Read();
            if (isText && reader.TokenType == JsonTokenType.String)
            {
                NoteText(ref reader);
            }
            else if ((isText || isCall) && reader.TokenType is JsonTokenType.StartArray or JsonTokenType.StartObject)
            {
                ReadParts(ref reader);
                continue;
            }

            reader.Skip();
        }
    }

    /// <summary>Tool calls, or content in parts: every string value in them is output, but for the names of the frame.</summary>
    private void ReadParts(ref Utf8JsonReader reader)
    {
        var depth = reader.CurrentDepth;
        var isFrame = false;
        while (reader.Read() && reader.CurrentDepth > depth)
        {
            if (reader.TokenType == JsonTokenType.PropertyName)
            {
                isFrame = reader.ValueTextEquals("id"u8) || reader.ValueTextEquals("type"u8);
            }
            else if (reader.TokenType == JsonTokenType.String && !isFrame)
            {
                OutputBytes += reader.ValueSpan.Length;
            }

            HasOutput |= reader.TokenType == JsonTokenType.StartObject;
        }
    }
}
