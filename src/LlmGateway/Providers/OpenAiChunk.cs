using System.Text.Json;
using LlmGateway.Model;

namespace LlmGateway.Providers;

/// <summary>What one streamed chunk holds, read in one pass without allocating.</summary>
internal struct OpenAiChunk
{
    private int _lastMemberEnd;

    /// <summary>Bits of the choice indexes in it (beyond 63: bit 63).</summary>
    public ulong Choices { get; private set; }

    public ulong FinishedChoices { get; private set; }

    public bool HasOutput { get; private set; }

    public int OutputBytes { get; private set; }

    public bool IsError { get; private set; }

    public TokenUsage? Usage { get; private set; }

    /// <summary>The <c>usage</c> member with one of its commas, so that cutting it out leaves valid JSON.</summary>
    public JsonRange UsageMember { get; private set; }

    /// <summary>Whether, usage apart, it says nothing: no choices, and none of the members that carry news (Azure's filter results).</summary>
    public bool IsUsageOnly { get; private set; }

    public bool TryRead(ReadOnlySpan<byte> data)
    {
        try
        {
            return Read(data);
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            // Half of a surrogate pair in a member's name is an InvalidOperationException.
            return false;
        }
    }

    private bool Read(ReadOnlySpan<byte> data)
    {
        var reader = new Utf8JsonReader(data);
        reader.Read();
        if (reader.TokenType != JsonTokenType.StartObject)
        {
            return false;
        }

        _lastMemberEnd = (int)reader.BytesConsumed;
        var hasNews = false;
        while (reader.Read() && reader.TokenType != JsonTokenType.EndObject)
        {
            var nameStart = (int)reader.TokenStartIndex;
            if (reader.ValueTextEquals("choices"u8))
            {
                reader.Read();
                ReadChoices(ref reader);
            }
            else if (reader.ValueTextEquals("usage"u8))
            {
                reader.Read();
                ReadUsage(ref reader, nameStart, data);
            }
            else if (reader.ValueTextEquals("error"u8))
            {
                reader.Read();
                IsError |= reader.TokenType is not (JsonTokenType.Null or JsonTokenType.False);
                reader.Skip();
            }
            else
            {
                hasNews |= !IsFrame(ref reader);
                reader.Read();
                reader.Skip();
            }

            _lastMemberEnd = (int)reader.BytesConsumed;
        }

        reader.Read();
        IsUsageOnly = !UsageMember.IsEmpty && Choices == 0 && !hasNews;
        return true;
    }

    private static bool IsFrame(ref Utf8JsonReader reader) =>
        reader.ValueTextEquals("id"u8) || reader.ValueTextEquals("object"u8) || reader.ValueTextEquals("created"u8) || reader.ValueTextEquals("model"u8)
        || reader.ValueTextEquals("system_fingerprint"u8) || reader.ValueTextEquals("service_tier"u8) || reader.ValueTextEquals("obfuscation"u8)
        || reader.ValueTextEquals("provider"u8);

    private void ReadChoices(ref Utf8JsonReader reader)
    {
        if (reader.TokenType != JsonTokenType.StartArray)
        {
            reader.Skip();
            return;
        }

        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            var choice = new OpenAiChoice();
            if (!choice.Read(ref reader))
            {
                continue;
            }

            var bit = 1UL << Math.Clamp(choice.Index, 0, 63);
            Choices |= bit;
            FinishedChoices |= choice.HasFinish ? bit : 0;
            HasOutput |= choice.HasOutput;
            OutputBytes += choice.OutputBytes;
            IsError |= choice.IsError;
        }
    }

    private void ReadUsage(ref Utf8JsonReader reader, int nameStart, ReadOnlySpan<byte> data)
    {
        if (reader.TokenType == JsonTokenType.StartObject)
        {
            Usage = OpenAiUsageReader.Read(ref reader) ?? Usage;
        }
        else
        {
            reader.Skip();
        }

        // With the comma before it; the first member goes with the comma behind it.
        var end = (int)reader.BytesConsumed;
        var comma = data[_lastMemberEnd..nameStart].IndexOf((byte)',');
        if (comma >= 0)
        {
            UsageMember = new JsonRange(_lastMemberEnd + comma, end - _lastMemberEnd - comma);
            return;
        }

        var rest = data[end..];
        var blank = rest.Length - rest.TrimStart(" \t\r\n"u8).Length;
        var takesComma = blank < rest.Length && rest[blank] == (byte)',';
        UsageMember = new JsonRange(nameStart, end - nameStart + (takesComma ? blank + 1 : 0));
    }
}
