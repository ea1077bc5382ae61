using LlmGateway.Model;

namespace LlmGateway.Usage;

/// <summary>Usage of one group over a span of time.</summary>
/// <param name="Group">Which; null: of records that name none.</param>
/// <param name="Requests">Requests; where provider calls are summed up, those.</param>
/// <param name="Errors">Those that ended in an error, whoever's; a client that went away is none.</param>
/// <param name="Unpriced">Those with tokens that no price covers: the cost lacks them.</param>
/// <param name="Usage">Tokens.</param>
/// <param name="CostMicroUsd">Cost.</param>
/// <param name="SavedMicroUsd">What answers from the cache would have cost.</param>
/// <param name="MedianDuration">Half took no longer; null where nothing was timed.</param>
/// <param name="SlowDuration">Nineteen of twenty took no longer.</param>
internal sealed record UsageSum(
    string? Group, long Requests, long Errors, long Unpriced, TokenUsage Usage, long CostMicroUsd, long SavedMicroUsd, TimeSpan? MedianDuration, TimeSpan? SlowDuration);
