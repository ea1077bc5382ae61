using System.Text.Json.Serialization;

namespace LlmGateway.Api;

/// <summary>What a health endpoint answers.</summary>
/// <param name="Status"><c>live</c>, <c>ready</c>, <c>degraded</c> or <c>unavailable</c>.</param>
/// <param name="Problems">What is not as it should be.</param>
internal sealed record HealthReport(string Status, IReadOnlyList<string> Problems);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(HealthReport))]
internal sealed partial class HealthJson : JsonSerializerContext;
