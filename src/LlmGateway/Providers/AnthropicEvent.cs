using System.Text.Json;
using System.Text.Unicode;
using LlmGateway.Model;

namespace LlmGateway.Providers;

/// <summary>
/// What one event of a stream says: where its values stand in the bytes. One instance is read into again and again, so that an event costs no
/// allocation. Ranges of strings include the quotes; an empty range means that there is no such member.
/// </summary>
internal sealed class AnthropicEvent
{
    private AnthropicUsage _usage;

    /// <summary>The event's type.</summary>
    public JsonRange Type { get; private set; }

    /// <summary>Number of the content block that the event belongs to.</summary>
    public long Index { get; private set; }

    /// <summary>The whole block that starts; its members are in <see cref="Part"/>.</summary>
    public JsonRange Block { get; private set; }

    /// <summary>Members of a starting block, or of a delta.</summary>
    public PartRanges Part { get; private set; }

    public JsonRange StopReason { get; private set; }

    public JsonRange Explanation { get; private set; }

    public bool HasError { get; private set; }

    /// <summary>All that this stream has told of usage so far.</summary>
    public AnthropicUsage Usage => _usage;

    /// <summary>Reads one object; false where the bytes are none.</summary>
    public bool TryRead(ReadOnlySpan<byte> json)
    {
        Type = Block = StopReason = Explanation = default;
        Part = default;
        Index = 0;
        HasError = false;
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

    private void ReadMember(ref Utf8JsonReader reader)
    {
        if (reader.ValueTextEquals("type"u8))
        {
            Type = ReadString(ref reader);
        }
        else if (reader.ValueTextEquals("index"u8))
        {
            reader.Read();
            Index = reader.TokenType == JsonTokenType.Number && reader.TryGetInt64(out var index) ? index : 0;
            reader.Skip();
        }
        else if (reader.ValueTextEquals("content_block"u8))
        {
            var start = EntersObject(ref reader);
            if (start >= 0)
            {
                ReadPart(ref reader);
                Block = new JsonRange(start, (int)reader.BytesConsumed - start);
            }
        }
        else if (reader.ValueTextEquals("delta"u8))
        {
            if (EntersObject(ref reader) >= 0)
            {
                ReadPart(ref reader);
            }
        }
        else if (reader.ValueTextEquals("usage"u8))
        {
            _usage.Read(ref reader);
        }
        else if (reader.ValueTextEquals("message"u8))
        {
            ReadMessage(ref reader);
        }
        else if (reader.ValueTextEquals("error"u8))
        {
            reader.Read();
            HasError = reader.TokenType is JsonTokenType.StartObject or JsonTokenType.String;
            reader.Skip();
        }
        else
        {
            reader.Skip();
        }
    }

    private void ReadMessage(ref Utf8JsonReader reader)
    {
        if (EntersObject(ref reader) < 0)
        {
            return;
        }

        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueTextEquals("usage"u8))
            {
                _usage.Read(ref reader);
            }
            else
            {
                reader.Skip();
            }
        }
    }

    private void ReadPart(ref Utf8JsonReader reader)
    {
        var part = default(PartRanges);
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueTextEquals("type"u8))
            {
                part.Type = ReadString(ref reader);
            }
            else if (reader.ValueTextEquals("text"u8))
            {
                part.Text = ReadString(ref reader);
            }
            else if (reader.ValueTextEquals("thinking"u8))
            {
                part.Thinking = ReadString(ref reader);
            }
            else if (reader.ValueTextEquals("signature"u8))
            {
                part.Signature = ReadString(ref reader);
            }
            else if (reader.ValueTextEquals("partial_json"u8))
            {
                part.PartialJson = ReadString(ref reader);
            }
            else if (reader.ValueTextEquals("id"u8))
            {
                part.Id = ReadString(ref reader);
            }
            else if (reader.ValueTextEquals("name"u8))
            {
                part.Name = ReadString(ref reader);
            }
            else if (reader.ValueTextEquals("input"u8))
            {
                part.Input = ReadRange(ref reader, JsonTokenType.StartObject);
            }
            else if (reader.ValueTextEquals("stop_reason"u8))
            {
                StopReason = ReadString(ref reader);
            }
            else if (reader.ValueTextEquals("stop_details"u8))
            {
                ReadDetails(ref reader);
            }
            else
            {
                reader.Skip();
            }
        }

        Part = part;
    }

    private void ReadDetails(ref Utf8JsonReader reader)
    {
        if (EntersObject(ref reader) < 0)
        {
            return;
        }

        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueTextEquals("explanation"u8))
            {
                Explanation = ReadString(ref reader);
            }
            else
            {
                reader.Skip();
            }
        }
    }

    /// <summary>Where the object starts that the reader now stands in; -1 where the value is none.</summary>
    private static int EntersObject(ref Utf8JsonReader reader)
    {
        reader.Read();
        if (reader.TokenType == JsonTokenType.StartObject)
        {
            return (int)reader.TokenStartIndex;
        }

        reader.Skip();
        return -1;
    }

    private static JsonRange ReadString(ref Utf8JsonReader reader) => ReadRange(ref reader, JsonTokenType.String);

    private static JsonRange ReadRange(ref Utf8JsonReader reader, JsonTokenType kind)
    {
        reader.Read();
        var isWanted = reader.TokenType == kind;
        var start = (int)reader.TokenStartIndex;
        reader.Skip();
        return isWanted ? new JsonRange(start, (int)reader.BytesConsumed - start) : default;
    }

    /// <summary>Where the members of a block or a delta stand.</summary>
    internal struct PartRanges
    {
        public JsonRange Type;
        public JsonRange Text;
        public JsonRange Thinking;
        public JsonRange Signature;
        public JsonRange PartialJson;
        public JsonRange Id;
        public JsonRange Name;
        public JsonRange Input;
    }
}
