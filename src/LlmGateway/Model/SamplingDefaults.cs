namespace LlmGateway.Model;

/// <summary>Sampling fields that a profile fills in where the request leaves them out. Each is the raw JSON of its value, so that numbers stay as written.</summary>
public sealed record SamplingDefaults
{
    public static SamplingDefaults Empty { get; } = new();

    public string? Temperature { get; init; }

    public string? TopP { get; init; }

    public string? MaxTokens { get; init; }

    public string? Stop { get; init; }

    public string? Seed { get; init; }

    public string? ReasoningEffort { get; init; }

    /// <summary>Whether the profile asks for JSON (<c>response_format: json</c>).</summary>
    public bool WantsJson { get; init; }
}
