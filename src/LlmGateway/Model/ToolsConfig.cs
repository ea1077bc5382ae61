namespace LlmGateway.Model;

/// <summary>Back ends of the built-in tools (<c>tools</c>). They are asked only when a profile or the session API switches their tool on and a model calls it.</summary>
public sealed record ToolsConfig
{
    /// <summary>A server that speaks Open-Meteo's API. Default: <c>https://api.open-meteo.com</c>.</summary>
    public Uri WeatherBaseUrl { get; init; } = new("https://api.open-meteo.com");

    /// <summary>Wikipedia or another MediaWiki (an address that ends in <c>api.php</c>), else a SearXNG server with its JSON format on. Default: <c>https://en.wikipedia.org</c>.</summary>
    public Uri SearchBaseUrl { get; init; } = new("https://en.wikipedia.org");

    /// <summary>How long the weather and search tools keep an answer; 0: not at all. Default: 300 s.</summary>
    public TimeSpan CacheTtl { get; init; } = TimeSpan.FromSeconds(300);
}
