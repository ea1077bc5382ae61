using System.Text.Json;
using LlmGateway.Model;

namespace LlmGateway.Providers;

/// <summary>
/// Gathers <c>usageMetadata</c> over the chunks of an answer: running totals, so that of each count the last word holds and none is added.
/// Gemini leaves a zero out, and its count of candidates does not hold the thoughts.
/// </summary>
internal sealed class GeminiUsage
{
    private long? _prompt;
    private long? _candidates;
    private long? _total;
    private long _thoughts;
    private long _toolUse;
    private long _cached;

    /// <summary>Takes the value that <paramref name="reader"/> stands on, and reads to its end; what is no object tells nothing.</summary>
    public void Note(ref Utf8JsonReader reader)
    {
        if (reader.TokenType != JsonTokenType.StartObject)
        {
            reader.Skip();
            return;
        }

        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueTextEquals("promptTokenCount"u8))
            {
                _prompt = Count(ref reader) ?? _prompt;
            }
            else if (reader.ValueTextEquals("candidatesTokenCount"u8))
            {
                _candidates = Count(ref reader) ?? _candidates;
            }
            else if (reader.ValueTextEquals("totalTokenCount"u8))
            {
                _total = Count(ref reader) ?? _total;
            }
            else if (reader.ValueTextEquals("thoughtsTokenCount"u8))
            {
                _thoughts = Count(ref reader) ?? _thoughts;
            }
            else if (reader.ValueTextEquals("toolUsePromptTokenCount"u8))
            {
                _toolUse = Count(ref reader) ?? _toolUse;
            }
            else if (reader.ValueTextEquals("cachedContentTokenCount"u8))
            {
                _cached = Count(ref reader) ?? _cached;
            }
            else
            {
                reader.Skip();
            }
        }
    }

    /// <summary>Usage in OpenAI's terms; null while it is not known.</summary>
    /// <param name="hasOutput">Whether the answer holds anything: then a missing count is no zero.</param>
    public TokenUsage? Read(bool hasOutput)
    {
        if (_prompt is not { } prompt)
        {
            return null;
        }

        var input = prompt + _toolUse;
        var candidates = _candidates ?? Math.Max(0, (_total ?? 0) - input - _thoughts);
        if (candidates == 0 && hasOutput && _candidates is null)
        {
            return null;
        }

        var usage = new TokenUsage(input, candidates + _thoughts, Math.Min(_cached, input), _thoughts);
        return usage.IsSane ? usage : null;
    }

    private static long? Count(ref Utf8JsonReader reader)
    {
        reader.Read();
        if (reader.TokenType == JsonTokenType.Number && reader.TryGetInt64(out var count) && count is >= 0 and <= TokenUsage.Sane)
        {
            return count;
        }

        reader.Skip();
        return null;
    }
}
