using System.Text.Json;
using LlmGateway.Model;

namespace LlmGateway.Providers;

/// <summary>Counts as the provider reports them, at the start of a stream and again, cumulatively, at its end: the last word on each one stands.</summary>
internal struct AnthropicUsage
{
    private long? _input;
    private long? _cacheCreation;
    private long? _cacheRead;
    private long? _output;
    private long? _thinking;

    /// <summary>Reads one <c>usage</c> object, the reader standing before it. Null means "not reported": an older value stays.</summary>
    public void Read(ref Utf8JsonReader reader)
    {
        reader.Read();
        if (reader.TokenType != JsonTokenType.StartObject)
        {
            reader.Skip();
            return;
        }

        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueTextEquals("input_tokens"u8))
            {
                _input = ReadCount(ref reader) ?? _input;
            }
            else if (reader.ValueTextEquals("cache_creation_input_tokens"u8))
            {
                _cacheCreation = ReadCount(ref reader) ?? _cacheCreation;
            }
            else if (reader.ValueTextEquals("cache_read_input_tokens"u8))
            {
                _cacheRead = ReadCount(ref reader) ?? _cacheRead;
            }
            else if (reader.ValueTextEquals("output_tokens"u8))
            {
                _output = ReadCount(ref reader) ?? _output;
            }
            else if (reader.ValueTextEquals("output_tokens_details"u8))
            {
                ReadDetails(ref reader);
            }
            else
            {
                reader.Skip();
            }
        }
    }

    /// <summary>The reported usage; null where a count is missing or cannot be true.</summary>
    public readonly TokenUsage? ToUsage() => _output is { } output ? ToUsage(output, isEstimated: false) : null;

    /// <summary>The input as reported, and the output as counted by the gateway: for streams that break before their last word.</summary>
    public readonly TokenUsage? ToEstimate(long outputSeen) => ToUsage(outputSeen, isEstimated: true);

    private readonly TokenUsage? ToUsage(long output, bool isEstimated)
    {
        // Input leaves out what came from or went to the cache; OpenAI's prompt tokens are all of it.
        if (_input is not { } input || _cacheCreation > TokenUsage.Sane || _cacheRead > TokenUsage.Sane || input > TokenUsage.Sane)
        {
            return null;
        }

        var usage = new TokenUsage(input + (_cacheCreation ?? 0) + (_cacheRead ?? 0), output, _cacheRead ?? 0, isEstimated ? 0 : _thinking ?? 0, isEstimated);
        return usage.IsSane ? usage : null;
    }

    private void ReadDetails(ref Utf8JsonReader reader)
    {
        reader.Read();
        if (reader.TokenType != JsonTokenType.StartObject)
        {
            reader.Skip();
            return;
        }

        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueTextEquals("thinking_tokens"u8))
            {
                _thinking = ReadCount(ref reader) ?? _thinking;
            }
            else
            {
                reader.Skip();
            }
        }
    }

    private static long? ReadCount(ref Utf8JsonReader reader)
    {
        reader.Read();
        if (reader.TokenType == JsonTokenType.Number && reader.TryGetInt64(out var count) && count >= 0)
        {
            return count;
        }

        reader.Skip();
        return null;
    }
}
