using System.Text.Json.Serialization;

namespace LlmGateway.ModelTests;

/// <summary>What the probes found out about one model. Times are milliseconds.</summary>
internal sealed record ModelResult
{
    public required string Provider { get; init; }

    /// <summary>The provider's dialect.</summary>
    public required string Type { get; init; }

    public required string Model { get; init; }

    public IReadOnlyList<string> Roles { get; init; } = [];

    public IReadOnlyList<string> Agents { get; init; } = [];

    public bool Available { get; init; }

    /// <summary>Calls that the provider answered.</summary>
    public int SuccessCount { get; init; }

    /// <summary>Calls that it did not.</summary>
    public int ErrorCount { get; init; }

    /// <summary>Answered calls out of all, 0 to 1; null: none was made.</summary>
    public double? SuccessRate => SuccessCount + ErrorCount == 0 ? null : Math.Round((double)SuccessCount / (SuccessCount + ErrorCount), 3);

    /// <summary>Mean of the answered calls.</summary>
    public long? ResponseTime { get; init; }

    public long? TimeToFirstToken { get; init; }

    /// <summary>Output tokens a second, from the first token to the end of the stream.</summary>
    public double? TokensPerSecond { get; init; }

    public bool Free { get; init; }

    /// <summary>Dollars for a million tokens; null: unpriced.</summary>
    [JsonPropertyName("input_cost_per_1m")]
    public decimal? InputCostPer1m { get; init; }

    [JsonPropertyName("output_cost_per_1m")]
    public decimal? OutputCostPer1m { get; init; }

    public required IReadOnlyList<ProbeResult> Probes { get; init; }

    public ProbeResult Probe(string name) => Probes.First(probe => probe.Name == name);

    public bool Passed(string name) => Probe(name).Status == ProbeStatus.Passed;

    /// <summary>What the probe showed: true, false, or null where it showed nothing.</summary>
    public bool? Shows(string name) => Probe(name).Status switch
    {
        ProbeStatus.Passed => true,
        ProbeStatus.Failed => false,
        _ => null,
    };

    public override string ToString() => $"{Provider}/{Model}";
}
