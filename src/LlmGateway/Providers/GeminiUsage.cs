using System.Text.Json;
using LlmGateway.Model;
using LlmGateway.Providers.Wire;

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

    public void Note(JsonElement metadata)
    {
        _prompt = Count(metadata, "promptTokenCount"u8) ?? _prompt;
        _candidates = Count(metadata, "candidatesTokenCount"u8) ?? _candidates;
        _total = Count(metadata, "totalTokenCount"u8) ?? _total;
        _thoughts = Count(metadata, "thoughtsTokenCount"u8) ?? _thoughts;
        _toolUse = Count(metadata, "toolUsePromptTokenCount"u8) ?? _toolUse;
        _cached = Count(metadata, "cachedContentTokenCount"u8) ?? _cached;
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

    private static long? Count(JsonElement metadata, ReadOnlySpan<byte> name) =>
        metadata.Find(name) is { ValueKind: JsonValueKind.Number } value && value.TryGetInt64(out var count) && count is >= 0 and <= TokenUsage.Sane ? count : null;
}
