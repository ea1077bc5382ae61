using System.Runtime.InteropServices;
using System.Text.Json;
using LlmGateway.Model;
using LlmGateway.Providers.Wire;

namespace LlmGateway.Providers;

/// <summary>Reads OpenAI's <c>usage</c> object. Counts that cannot be true (negative, absurd, no numbers) are taken as not reported.</summary>
internal static class OpenAiUsageReader
{
    /// <summary>The <c>usage</c> of an answer; null where it has none.</summary>
    public static TokenUsage? Of(JsonElement answer)
    {
        if (answer.Find("usage"u8) is not { ValueKind: JsonValueKind.Object } usage)
        {
            return null;
        }

        var reader = new Utf8JsonReader(JsonMarshal.GetRawUtf8Value(usage));
        reader.Read();
        return Read(ref reader);
    }

    /// <summary>Reads the object that <paramref name="reader"/> stands on, and leaves it on its end.</summary>
    public static TokenUsage? Read(ref Utf8JsonReader reader)
    {
        long? input = null, output = null;
        long cached = 0, reasoning = 0;
        var isSane = true;
        while (reader.Read() && reader.TokenType != JsonTokenType.EndObject)
        {
            if (reader.ValueTextEquals("prompt_tokens"u8))
            {
                input = ReadCount(ref reader, ref isSane);
            }
            else if (reader.ValueTextEquals("completion_tokens"u8))
            {
                output = ReadCount(ref reader, ref isSane);
            }
            else if (reader.ValueTextEquals("prompt_tokens_details"u8))
            {
                cached = ReadDetail(ref reader, "cached_tokens"u8, ref isSane);
            }
            else if (reader.ValueTextEquals("prompt_cache_hit_tokens"u8))
            {
                // DeepSeek's own name for it.
                cached = ReadCount(ref reader, ref isSane) ?? cached;
            }
            else if (reader.ValueTextEquals("completion_tokens_details"u8))
            {
                reasoning = ReadDetail(ref reader, "reasoning_tokens"u8, ref isSane);
            }
            else
            {
                reader.Read();
                reader.Skip();
            }
        }

        if (!isSane || input is null || (input == 0 && output is null or 0))
        {
            return null;
        }

        var usage = new TokenUsage(input.Value, output ?? 0, Math.Min(cached, input.Value), Math.Min(reasoning, output ?? 0));
        return usage.IsSane ? usage : null;
    }

    private static long ReadDetail(ref Utf8JsonReader reader, ReadOnlySpan<byte> member, ref bool isSane)
    {
        reader.Read();
        if (reader.TokenType != JsonTokenType.StartObject)
        {
            reader.Skip();
            return 0;
        }

        long count = 0;
        while (reader.Read() && reader.TokenType != JsonTokenType.EndObject)
        {
            if (reader.ValueTextEquals(member))
            {
                count = ReadCount(ref reader, ref isSane) ?? 0;
            }
            else
            {
                reader.Read();
                reader.Skip();
            }
        }

        return count;
    }

    private static long? ReadCount(ref Utf8JsonReader reader, ref bool isSane)
    {
        reader.Read();
        if (reader.TokenType == JsonTokenType.Number && reader.TryGetInt64(out var count) && count is >= 0 and <= TokenUsage.Sane)
        {
            return count;
        }

        isSane &= reader.TokenType == JsonTokenType.Null;
        reader.Skip();
        return null;
    }
}
