using System.Text.Json.Serialization;
using LlmGateway.Usage;

namespace LlmGateway.Admin;

/// <summary>Sums of usage; each names its group under the name of the grouping, a model with its provider beside it.</summary>
/// <param name="Data">The costliest first, days in their order.</param>
internal sealed record UsageReply(IReadOnlyList<Dictionary<string, object?>> Data)
{
    public static UsageReply From(UsageGrouping grouping, IReadOnlyList<UsageSum> sums)
    {
        return new([.. sums.Select(sum => new Dictionary<string, object?>(Names(grouping, sum.Group))
        {
            ["requests"] = sum.Requests,
            ["errors"] = sum.Errors,
            ["input_tokens"] = sum.Usage.Input,
            ["output_tokens"] = sum.Usage.Output,
            ["cached_input_tokens"] = sum.Usage.CachedInput,
            ["reasoning_tokens"] = sum.Usage.Reasoning,
            ["cost_usd"] = Dollars(sum.CostMicroUsd),
            ["saved_usd"] = Dollars(sum.SavedMicroUsd),
            ["unpriced"] = sum.Unpriced,
            ["p50_duration"] = sum.MedianDuration?.TotalMilliseconds,
            ["p95_duration"] = sum.SlowDuration?.TotalMilliseconds,
        })]);
    }

    private static IEnumerable<KeyValuePair<string, object?>> Names(UsageGrouping grouping, string? group)
    {
        var parts = grouping == UsageGrouping.Model ? group?.Split('/', 2) : null;
        return parts is [var provider, var model]
            ? [new("provider", provider), new("model", model)]
            : [new(grouping.ToString().ToLowerInvariant(), group)];
    }

    internal static decimal Dollars(long microUsd) => microUsd / 1_000_000m;
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(UsageReply))]
[JsonSerializable(typeof(long))]
[JsonSerializable(typeof(decimal))]
[JsonSerializable(typeof(double))]
[JsonSerializable(typeof(string))]
internal sealed partial class UsageReplyJson : JsonSerializerContext;
