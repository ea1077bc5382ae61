using System.Text.Json.Serialization;
using LlmGateway.Model;
using LlmGateway.Resilience;

namespace LlmGateway.Admin;

/// <summary>What the gateway knows of each model since it started. Times are milliseconds; null where nothing has been measured yet.</summary>
internal sealed record ModelsReply(IReadOnlyList<ModelsReply.Entry> Data)
{
    /// <param name="Provider">The provider's name.</param>
    /// <param name="Model">The model's; <c>other</c> stands for all names that no file lists.</param>
    /// <param name="Roles">Roles that name it.</param>
    /// <param name="SuccessCount">Calls that answered.</param>
    /// <param name="ErrorCount">Calls that failed by the target's fault.</param>
    /// <param name="LastResponseTime">Of the latest answer.</param>
    /// <param name="AverageResponseTime">Decaying average.</param>
    /// <param name="TimeToFirstToken">Decaying average over streams.</param>
    /// <param name="TokensPerSecond">Decaying average.</param>
    /// <param name="Circuit"><c>closed</c>, <c>half_open</c> or <c>open</c>.</param>
    /// <param name="LastError">The latest failure; it stays when calls succeed again.</param>
    internal sealed record Entry(
        string Provider,
        string Model,
        IReadOnlyList<string> Roles,
        long SuccessCount,
        long ErrorCount,
        double? LastResponseTime,
        double? AverageResponseTime,
        double? TimeToFirstToken,
        double? TokensPerSecond,
        string Circuit,
        Problem? LastError)
    {
        public static Entry From(ProviderTarget target, IReadOnlyList<string> roles, TargetState state)
        {
            var statistics = state.Statistics;
            return new Entry(
                target.Provider.Name,
                target.ModelLabel,
                roles,
                statistics.SuccessCount,
                statistics.ErrorCount,
                Milliseconds(statistics.LastResponseTime),
                Milliseconds(statistics.AverageResponseTime),
                Milliseconds(statistics.AverageTimeToFirstToken),
                statistics.TokensPerSecond is { } speed ? Math.Round(speed, 2) : null,
                state.Circuit.Position switch
                {
                    CircuitPosition.Closed => "closed",
                    CircuitPosition.HalfOpen => "half_open",
                    _ => "open",
                },
                statistics.LastError is { } error ? new Problem(error.Reason.ToName(), error.Status == 0 ? null : error.Status, error.Time) : null);
        }

        private static double? Milliseconds(TimeSpan? time) => time is { } known ? Math.Round(known.TotalMilliseconds, 1) : null;
    }

    /// <param name="Reason">The public reason.</param>
    /// <param name="Status">The provider's HTTP status; null where none came.</param>
    /// <param name="Time">When the call ended.</param>
    internal sealed record Problem(string Reason, int? Status, DateTimeOffset Time);
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(ModelsReply))]
internal sealed partial class ModelsJson : JsonSerializerContext;
