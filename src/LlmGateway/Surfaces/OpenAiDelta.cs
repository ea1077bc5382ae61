using System.Text.Json;
using LlmGateway.Model;
using LlmGateway.Providers;

namespace LlmGateway.Surfaces;

/// <summary>
/// What one chunk of an OpenAI stream says, as places in its bytes. One instance is read into again and again, so that a chunk costs no
/// allocation. Clients of other forms know one choice only: that with index 0.
/// </summary>
public sealed class OpenAiDelta
{
    private readonly List<ToolCallDelta> _toolCalls = [];

    public JsonRange Model { get; private set; }

    /// <summary>A piece of text: a JSON string, quotes included; empty where there is none.</summary>
    public JsonRange Content { get; private set; }

    public JsonRange Reasoning { get; private set; }

    public JsonRange Refusal { get; private set; }

    public IReadOnlyList<ToolCallDelta> ToolCalls => _toolCalls;

    /// <summary>OpenAI's finish reason, once it is there.</summary>
    public string? Finish { get; private set; }

    public TokenUsage? Usage { get; private set; }

    public bool IsError { get; private set; }

    /// <summary>Reads one chunk; false where the bytes are none.</summary>
    public bool TryRead(ReadOnlySpan<byte> chunk)
    {
        Model = Content = Reasoning = Refusal = default;
        _toolCalls.Clear();
        Finish = null;
        Usage = null;
        IsError = false;
        try
        {
            var reader = new Utf8JsonReader(chunk);
            reader.Read();
            if (reader.TokenType != JsonTokenType.StartObject)
            {
                return false;
            }

            while (reader.Read() && reader.TokenType != JsonTokenType.EndObject)
            {
                ReadMember(ref reader);
            }

            return true;
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            // Half of a surrogate pair in a member's name is an InvalidOperationException.
            return false;
        }
    }

    private void ReadMember(ref Utf8JsonReader reader)
    {
        if (reader.ValueTextEquals("choices"u8))
        {
            reader.Read();
            ReadChoices(ref reader);
        }
        else if (reader.ValueTextEquals("usage"u8))
        {
            reader.Read();
            if (reader.TokenType == JsonTokenType.StartObject)
            {
                Usage = OpenAiUsageReader.Read(ref reader);
            }
            else
            {
                reader.Skip();
            }
        }
        else if (reader.ValueTextEquals("model"u8))
        {
            Model = ReadText(ref reader);
        }
        else
        {
            var isError = reader.ValueTextEquals("error"u8);
            reader.Read();
            IsError |= isError && reader.TokenType is not (JsonTokenType.Null or JsonTokenType.False);
            reader.Skip();
        }
    }

    private void ReadChoices(ref Utf8JsonReader reader)
    {
        if (reader.TokenType != JsonTokenType.StartArray)
        {
            reader.Skip();
            return;
        }

        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            if (reader.TokenType != JsonTokenType.StartObject || IsOtherChoice(reader))
            {
                reader.Skip();
            }
            else
            {
                ReadChoice(ref reader);
            }
        }
    }

    /// <summary>Looks ahead for the index: it may stand behind the delta.</summary>
    private static bool IsOtherChoice(Utf8JsonReader reader)
    {
        while (reader.Read() && reader.TokenType != JsonTokenType.EndObject)
        {
            var isIndex = reader.ValueTextEquals("index"u8);
            reader.Read();
            if (isIndex)
            {
                return reader.TokenType == JsonTokenType.Number && reader.TryGetInt32(out var index) && index != 0;
            }

            reader.Skip();
        }

        return false;
    }

    private void ReadChoice(ref Utf8JsonReader reader)
    {
        while (reader.Read() && reader.TokenType != JsonTokenType.EndObject)
        {
            if (reader.ValueTextEquals("delta"u8))
            {
                reader.Read();
                ReadDelta(ref reader);
            }
            else if (reader.ValueTextEquals("finish_reason"u8))
            {
                reader.Read();
                Finish = reader.TokenType == JsonTokenType.String ? reader.GetString() : Finish;
                reader.Skip();
            }
            else
            {
                reader.Read();
                reader.Skip();
            }
        }
    }

    private void ReadDelta(ref Utf8JsonReader reader)
    {
        if (reader.TokenType != JsonTokenType.StartObject)
        {
            reader.Skip();
            return;
        }

        while (reader.Read() && reader.TokenType != JsonTokenType.EndObject)
        {
            if (reader.ValueTextEquals("content"u8))
            {
                Content = ReadText(ref reader);
            }
            else if (reader.ValueTextEquals("reasoning_content"u8) || reader.ValueTextEquals("reasoning"u8))
            {
                var text = ReadText(ref reader);
                Reasoning = Reasoning.IsEmpty ? text : Reasoning;
            }
            else if (reader.ValueTextEquals("refusal"u8))
            {
                Refusal = ReadText(ref reader);
            }
            else if (reader.ValueTextEquals("tool_calls"u8))
            {
                reader.Read();
                ReadToolCalls(ref reader);
            }
            else
            {
                reader.Read();
                reader.Skip();
            }
        }
    }

    private void ReadToolCalls(ref Utf8JsonReader reader)
    {
        if (reader.TokenType != JsonTokenType.StartArray)
        {
            reader.Skip();
            return;
        }

        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            if (reader.TokenType != JsonTokenType.StartObject)
            {
                reader.Skip();
                continue;
            }

            var index = 0;
            JsonRange id = default, name = default, arguments = default;
            while (reader.Read() && reader.TokenType != JsonTokenType.EndObject)
            {
                if (reader.ValueTextEquals("index"u8))
                {
                    reader.Read();
                    index = reader.TokenType == JsonTokenType.Number && reader.TryGetInt32(out var number) ? number : 0;
                    reader.Skip();
                }
                else if (reader.ValueTextEquals("id"u8))
                {
                    id = ReadText(ref reader);
                }
                else if (reader.ValueTextEquals("function"u8))
                {
                    reader.Read();
                    ReadFunction(ref reader, ref name, ref arguments);
                }
                else
                {
                    reader.Read();
                    reader.Skip();
                }
            }

            _toolCalls.Add(new ToolCallDelta(index, id, name, arguments));
        }
    }

    private static void ReadFunction(ref Utf8JsonReader reader, ref JsonRange name, ref JsonRange arguments)
    {
        if (reader.TokenType != JsonTokenType.StartObject)
        {
            reader.Skip();
            return;
        }

        while (reader.Read() && reader.TokenType != JsonTokenType.EndObject)
        {
            if (reader.ValueTextEquals("name"u8))
            {
                name = ReadText(ref reader);
            }
            else if (reader.ValueTextEquals("arguments"u8))
            {
                arguments = ReadText(ref reader);
            }
            else
            {
                reader.Read();
                reader.Skip();
            }
        }
    }

    /// <summary>Place of the member's value if it is a string that is not empty: some servers repeat names as empty ones.</summary>
    private static JsonRange ReadText(ref Utf8JsonReader reader)
    {
        reader.Read();
        var start = (int)reader.TokenStartIndex;
        var isText = reader.TokenType == JsonTokenType.String && !reader.ValueSpan.IsEmpty;
        reader.Skip();
        return isText ? new JsonRange(start, (int)reader.BytesConsumed - start) : default;
    }

    /// <summary>One piece of a tool call: where its members stand; empty where it has none.</summary>
    public readonly record struct ToolCallDelta(int Index, JsonRange Id, JsonRange Name, JsonRange Arguments);
}
