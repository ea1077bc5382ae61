using System.Text.Json.Serialization;
using LlmGateway.Usage;

namespace LlmGateway.Admin;

/// <summary>Sums of usage; each names its group under the name of the grouping.</summary>
/// <param name="Data">The costliest first, days in their order.</param>
internal sealed record UsageReply(IReadOnlyList<Dictionary<string, object?>> Data)
{
    public static UsageReply From(UsageGrouping grouping, IReadOnlyList<UsageSum> sums)
    {
        var name = grouping.ToString().ToLowerInvariant();
        return new([.. sums.Select(sum => new Dictionary<string, object?>
        {
            [name] = sum.Group,
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

    internal static decimal Dollars(long microUsd) => microUsd / 1_000_000m;
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(UsageReply))]
[JsonSerializable(typeof(long))]
[JsonSerializable(typeof(decimal))]
[JsonSerializable(typeof(double))]
[JsonSerializable(typeof(string))]
internal sealed partial class UsageReplyJson : JsonSerializerContext;
