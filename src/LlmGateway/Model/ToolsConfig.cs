namespace LlmGateway.Model;

/// <summary>Back ends of the built-in tools (<c>tools</c>). They are asked only when a profile or the session API switches their tool on and a model calls it.</summary>
public sealed record ToolsConfig
{
    /// <summary>A server that speaks Open-Meteo's API. Default: <c>https://api.open-meteo.com</c>; in development none, and the tool says so.</summary>
    public Uri? WeatherBaseUrl { get; init; }

    /// <summary>
    /// Wikipedia or another MediaWiki (an address that ends in <c>api.php</c>), else a SearXNG server with its JSON format on. Default:
    /// <c>https://en.wikipedia.org</c>; in development none, and the tool says so.
    /// </summary>
    public Uri? SearchBaseUrl { get; init; }

    /// <summary>How long the weather and search tools keep an answer; 0: not at all. Default: 300 s.</summary>
    public TimeSpan CacheTtl { get; init; } = TimeSpan.FromSeconds(300);

    /// <summary>The same, with public services where none is set.</summary>
    public ToolsConfig WithPublicServices() => this with
    {
        WeatherBaseUrl = WeatherBaseUrl ?? new Uri("https://api.open-meteo.com"),
        SearchBaseUrl = SearchBaseUrl ?? new Uri("https://en.wikipedia.org"),
    };
}
