using System.Text.Json.Serialization;
using LlmGateway.Usage;

namespace LlmGateway.Admin;

/// <summary>Request records with their provider calls. Durations are milliseconds; a cost that no price tells is null, and a sum lacks it.</summary>
internal sealed record RequestsReply(IReadOnlyList<RequestsReply.Request> Data)
{
    private static decimal? Dollars(long microUsd, bool isUnpriced) => isUnpriced && microUsd == 0 ? null : UsageReply.Dollars(microUsd);

    internal sealed record Request
    {
        public required Guid Id { get; init; }

        public required DateTimeOffset Time { get; init; }

        public required string RequestId { get; init; }

        public required string Key { get; init; }

        public required string? Department { get; init; }

        public required string? User { get; init; }

        public required string Agent { get; init; }

        public required string Strategy { get; init; }

        public required string Endpoint { get; init; }

        /// <summary>0: the gateway died before the answer had ended.</summary>
        public required int Status { get; init; }

        public required long InputTokens { get; init; }

        public required long OutputTokens { get; init; }

        public required long CachedInputTokens { get; init; }

        public required long ReasoningTokens { get; init; }

        public required decimal? CostUsd { get; init; }

        public required double Duration { get; init; }

        public required double? TimeToFirstToken { get; init; }

        public required bool Cached { get; init; }

        public required decimal SavedUsd { get; init; }

        public required IReadOnlyList<Attempt> Attempts { get; init; }

        public static Request From(RequestRecord record) => new()
        {
            Id = record.Id,
            Time = record.Time,
            RequestId = record.RequestId,
            Key = record.Key,
            Department = record.Department,
            User = record.UserId,
            Agent = record.Agent,
            Strategy = record.Strategy,
            Endpoint = record.Endpoint,
            Status = record.Status,
            InputTokens = record.Usage.Input,
            OutputTokens = record.Usage.Output,
            CachedInputTokens = record.Usage.CachedInput,
            ReasoningTokens = record.Usage.Reasoning,
            CostUsd = Dollars(record.CostMicroUsd, record.IsUnpriced),
            Duration = record.Duration.TotalMilliseconds,
            TimeToFirstToken = record.TimeToFirstToken?.TotalMilliseconds,
            Cached = record.IsCached,
            SavedUsd = UsageReply.Dollars(record.SavedMicroUsd),
            Attempts = [.. record.Attempts.Select(Attempt.From)],
        };
    }

    internal sealed record Attempt(
        string Provider, string Model, string Outcome, string Role, string Source, long InputTokens, long OutputTokens, decimal? CostUsd, double Duration)
    {
        public static Attempt From(AttemptRecord attempt) => new(
            attempt.Provider,
            attempt.Model,
            attempt.Outcome.ToOutcomeName(),
            attempt.Role.ToName(),
            attempt.Source.ToName(),
            attempt.Usage.Input,
            attempt.Usage.Output,
            Dollars(attempt.CostMicroUsd, attempt.IsUnpriced),
            attempt.Duration.TotalMilliseconds);
    }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(RequestsReply))]
internal sealed partial class RequestsReplyJson : JsonSerializerContext;
