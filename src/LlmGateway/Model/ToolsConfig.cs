namespace LlmGateway.Model;

/// <summary>Back ends of the built-in tools (<c>tools</c>).</summary>
public sealed record ToolsConfig
{
    /// <summary>Null: the weather tool says that it is not configured.</summary>
    public Uri? WeatherBaseUrl { get; init; }

    /// <summary>Null: the search tool says that it is not configured.</summary>
    public Uri? SearchBaseUrl { get; init; }

    /// <summary>How long a tool's answer is kept.</summary>
    public TimeSpan CacheTtl { get; init; } = TimeSpan.FromSeconds(300);
}
