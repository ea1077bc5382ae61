using System.Globalization;
using System.Text;
using System.Text.Json;
using LlmGateway.Model;
using LlmGateway.Providers.Wire;

namespace LlmGateway.Tools.Web;

/// <summary>Weather and a forecast of a place, from Open-Meteo or a server that speaks its API.</summary>
internal sealed class WeatherTool(WebBackend backend) : ITool
{
    private const int MaxLocation = 100;

    private const string Geocoder = "place search";

    private const string Service = "weather service";

    private static readonly byte[] Schema =
        """{"type":"object","properties":{"location":{"type":"string","description":"A city or place, for example: Paris, or Springfield, Illinois"}},"required":["location"]}"""u8.ToArray();

    // Open-Meteo has its place search under a host of its own.
    private static readonly Uri PublicPlaces = new("https://geocoding-api.open-meteo.com");

    public string Name => ToolNames.Weather;

    public string Description => "Tells the current weather of a place and the forecast for three days.";

    public ReadOnlyMemory<byte> Parameters => Schema;

    public async ValueTask<ToolOutput> InvokeAsync(JsonElement arguments, GatewayConfig config, CancellationToken cancellationToken)
    {
        if (ToolInput.Text(arguments, "location")?.Trim() is not { Length: > 0 and <= MaxLocation } location)
        {
            return ToolOutput.Error($"The argument 'location' must be the name of a place, {MaxLocation} characters at most.");
        }

        if (config.Tools.WeatherBaseUrl is not { } baseUrl)
        {
            return WebBackend.NoAddress(Name, "tools.weather_base_url");
        }

        var question = $"weather\n{baseUrl}\n{location.ToLowerInvariant()}";
        if (backend.Find(question, config.Tools.CacheTtl) is { } known)
        {
            return ToolOutput.Answer(known);
        }

        var (place, placeError) = await FindPlaceAsync(location, baseUrl, cancellationToken);
        if (place is not { } found)
        {
            return ToolOutput.Error(placeError!);
        }

        var address = WebBackend.Address(
            baseUrl,
            "/v1/forecast",
            ("latitude", found.Latitude.ToString("0.####", CultureInfo.InvariantCulture)),
            ("longitude", found.Longitude.ToString("0.####", CultureInfo.InvariantCulture)),
            ("current", "temperature_2m,apparent_temperature,relative_humidity_2m,weather_code,wind_speed_10m"),
            ("daily", "weather_code,temperature_2m_min,temperature_2m_max,precipitation_probability_max"),
            ("timezone", "auto"),
            ("forecast_days", "3"));
        var (json, error) = await backend.GetAsync(Service, address, cancellationToken);
        using (json)
        {
            if (json is null || Describe(found.Name, json.RootElement) is not { } text)
            {
                return ToolOutput.Error(error ?? $"The {Service} sent an answer without weather.");
            }

            backend.Keep(question, text, config.Tools.CacheTtl);
            return ToolOutput.Answer(text);
        }
    }

    /// <summary>The place that fits best: what stands behind a comma chooses among places of one name.</summary>
    private async Task<(Place? Place, string? Error)> FindPlaceAsync(string location, Uri baseUrl, CancellationToken cancellationToken)
    {
        var parts = location.Split(',', 2, StringSplitOptions.TrimEntries);
        var places = baseUrl.Host == "api.open-meteo.com" ? PublicPlaces : baseUrl;
        var address = WebBackend.Address(places, "/v1/search", ("name", parts[0]), ("count", "10"), ("language", "en"), ("format", "json"));
        var (json, error) = await backend.GetAsync(Geocoder, address, cancellationToken);
        using (json)
        {
            if (json is null)
            {
                return (null, error);
            }

            var root = json.RootElement;
            var found = root.ValueKind == JsonValueKind.Object
                ? JsonEdits.Objects(root.Find("results"u8)).Where(HasPosition).ToList()
                : [];
            if (found.Count == 0)
            {
                return (null, $"There is no place named '{ShortName.Of(location)}'.");
            }

            var chosen = parts.Length == 1 ? found[0] : found.Find(place => IsIn(place, parts[1])) is { ValueKind: JsonValueKind.Object } match ? match : found[0];
            return (new Place(NameOf(chosen), chosen.GetProperty("latitude"u8).GetDouble(), chosen.GetProperty("longitude"u8).GetDouble()), null);
        }
    }

    private static bool HasPosition(JsonElement place) =>
        place.Find("latitude"u8) is { ValueKind: JsonValueKind.Number } && place.Find("longitude"u8) is { ValueKind: JsonValueKind.Number };

    private static bool IsIn(JsonElement place, string region) =>
        new[] { place.FindText("country"u8), place.FindText("country_code"u8), place.FindText("admin1"u8) }
            .Any(name => name is not null && name.Equals(region, StringComparison.OrdinalIgnoreCase));

    private static string NameOf(JsonElement place) =>
        string.Join(", ", new[] { place.FindText("name"u8), place.FindText("admin1"u8), place.FindText("country"u8) }.Where(name => !string.IsNullOrEmpty(name)).Distinct());

    private static string? Describe(string place, JsonElement root)
    {
        if (root.ValueKind != JsonValueKind.Object || root.Find("current"u8) is not { ValueKind: JsonValueKind.Object } now || Number(now, "temperature_2m") is not { } temperature)
        {
            return null;
        }

        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"{place}: now {temperature} °C");
        Add(" (feels like {0} °C)", Number(now, "apparent_temperature"));
        Add(", {0}", WeatherCodes.Describe(Number(now, "weather_code")));
        Add(", humidity {0} %", Number(now, "relative_humidity_2m"));
        Add(", wind {0} km/h", Number(now, "wind_speed_10m"));
        text.Append('.');
        if (root.Find("daily"u8) is { ValueKind: JsonValueKind.Object } days && days.Find("time"u8) is { ValueKind: JsonValueKind.Array } dates)
        {
            for (var day = 0; day < Math.Min(dates.GetArrayLength(), 7); day++)
            {
                text.Append(CultureInfo.InvariantCulture, $"\n{dates[day]}: ");
                Add("{0}", Number(days, "temperature_2m_min", day));
                Add(" to {0} °C", Number(days, "temperature_2m_max", day));
                Add(", {0}", WeatherCodes.Describe(Number(days, "weather_code", day)));
                Add(", {0} % chance of rain", Number(days, "precipitation_probability_max", day));
            }
        }

        return text.ToString();

        void Add(string format, object? value)
        {
            if (value is not null)
            {
                text.AppendFormat(CultureInfo.InvariantCulture, format, value);
            }
        }
    }

    private static double? Number(JsonElement parent, string name, int? index = null)
    {
        if (!parent.TryGetProperty(name, out var value))
        {
            return null;
        }

        if (index is { } at)
        {
            if (value.ValueKind != JsonValueKind.Array || value.GetArrayLength() <= at)
            {
                return null;
            }

            value = value[at];
        }

        return value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out var number) ? number : null;
    }

    private readonly record struct Place(string Name, double Latitude, double Longitude);
}
