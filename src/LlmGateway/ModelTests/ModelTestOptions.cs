namespace LlmGateway.ModelTests;

/// <summary>What the command line of <c>test-models</c> says.</summary>
/// <param name="IsJson">JSON instead of Markdown.</param>
/// <param name="Output">File that takes the report; null: standard output.</param>
/// <param name="Provider">The one provider to test; null: all.</param>
/// <param name="WritesCapabilities">Whether the settings file gets what was found.</param>
internal sealed record ModelTestOptions(bool IsJson, string? Output, string? Provider, bool WritesCapabilities);
