using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace LlmGateway.ModelTests;

/// <summary>Writes a report for programs: snake_case names, durations in milliseconds.</summary>
internal static class JsonReport
{
    // Nothing here becomes HTML, so names keep their signs.
    private static readonly ModelTestJson Json = new(new JsonSerializerOptions
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        WriteIndented = true,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    });

    public static string Write(ModelTestReport report) => JsonSerializer.Serialize(report, Json.ModelTestReport) + "\n";
}

[JsonSerializable(typeof(ModelTestReport))]
internal sealed partial class ModelTestJson : JsonSerializerContext;
