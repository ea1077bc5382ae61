using LlmGateway.FunctionalTests.Infrastructure;

namespace LlmGateway.FunctionalTests;

/// <summary>Weather and search over their HTTP back ends, called by the built-in mock: the whole way with no model at hand.</summary>
public sealed class ToolBackendTests
{
    private const string Places = """{"results":[{"name":"Paris","latitude":33.66,"longitude":-95.55,"country":"United States","admin1":"Texas"},{"name":"Paris","latitude":48.85341,"longitude":2.3488,"country":"France"}]}""";
    private const string Forecast = """{"current":{"temperature_2m":18.3,"apparent_temperature":17.9,"relative_humidity_2m":60,"weather_code":2,"wind_speed_10m":12.5},"daily":{"time":["2026-11-21"],"weather_code":[61],"temperature_2m_min":[12],"temperature_2m_max":[19.5],"precipitation_probability_max":[80]}}""";

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task The_mock_answers_with_the_calculator(bool isStreaming)
    {
        await using var gateway = await StartAsync("http://127.0.0.1:1");

        var answer = await AskAsync(gateway, isStreaming, "What is 2+2*3?");

        answer.AssertAnswered("Mock answer from calculator: 8");
        Assert.Equal("mock", answer.Header("x-llm-provider"));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task The_mock_answers_with_the_weather(bool isStreaming)
    {
        await using var back = ScriptedProvider.Anything();
        back.On("GET /v1/search", Script.Json(Places)).On("GET /v1/forecast", Script.Json(Forecast));
        await using var gateway = await StartAsync(back.BaseUrl);

        var answer = await AskAsync(gateway, isStreaming, "How is the weather in Paris, France?");

        answer.AssertAnswered("Mock answer from weather: Paris, France: now 18.3 °C (feels like 17.9 °C), partly cloudy, humidity 60 %, wind 12.5 km/h.\n2026-11-21: 12 to 19.5 °C, rain, 80 % chance of rain");
        Assert.Contains("name=Paris&", back.Requests[0].Target, StringComparison.Ordinal);
        Assert.Contains("latitude=48.8534&longitude=2.3488", back.Requests[1].Target, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_answer_is_kept_for_a_while()
    {
        await using var back = ScriptedProvider.Anything();
        back.On("GET /v1/search", Script.Json(Places)).On("GET /v1/forecast", Script.Json(Forecast));
        await using var gateway = await StartAsync(back.BaseUrl);

        var first = await AskAsync(gateway, false, "weather in Paris");
        var second = await AskAsync(gateway, false, "weather in PARIS");

        Assert.Equal(first.Text, second.Text);
        Assert.Equal(2, back.Requests.Count);
    }

    [Theory]
    [InlineData("down", "The place search cannot be reached.")]
    [InlineData("status", "The place search answered with status 503.")]
    [InlineData("redirect", "The place search answered with status 302.")]
    [InlineData("html", "The place search sent something that is no JSON.")]
    [InlineData("long", "The place search sent too long an answer.")]
    [InlineData("nowhere", "There is no place named 'Nowhere'.")]
    [InlineData("shape", "There is no place named 'Nowhere'.")]
    public async Task What_the_back_end_cannot_do_is_told_to_the_model(string fault, string expected)
    {
        await using var back = ScriptedProvider.Anything();
        back.On("GET /v1/search", fault switch
        {
            "status" => Script.Json("{}", 503),
            "redirect" => Script.Json("{}", 302, ("location", "http://169.254.169.254/")),
            "html" => Script.Whole(200, "text/html", "<html>"u8.ToArray()),
            "long" => new Script().Head(200, "application/json", BodyFraming.Chunked).Fill(3_000_000),
            "shape" => Script.Json("""[1,{"results":3}]"""),
            _ => Script.Json("{}"),
        });
        await using var gateway = await StartAsync(fault == "down" ? "http://127.0.0.1:1" : back.BaseUrl);

        var answer = await AskAsync(gateway, false, "weather in Nowhere");

        answer.AssertAnswered("Mock answer from weather: " + expected);
    }

    [Theory]
    [InlineData("weather in Paris", "weather")]
    [InlineData("search", "search")]
    public async Task In_development_no_public_service_is_asked(string question, string tool)
    {
        // The mock calls no search by itself; a model that does is scripted.
        await using var model = ScriptedProvider.OpenAi();
        var searches = OpenAiReplies.Completion("").Replace(
            "\"refusal\":null", "\"refusal\":null,\"tool_calls\":[{\"id\":\"c\",\"type\":\"function\",\"function\":{\"name\":\"search\",\"arguments\":\"{\\\"query\\\":\\\"x\\\"}\"}}]", StringComparison.Ordinal)
            .Replace("\"stop\"", "\"tool_calls\"", StringComparison.Ordinal);
        model.Answers(Script.Json(searches), Script.Chosen(request => Script.Json(OpenAiReplies.Completion(request.Json().GetProperty("messages")[2].GetProperty("content").GetString()!))));
        await using var gateway = await new GatewayUnderTest().WithAgents("""{"default":{"tools":["weather","search"]}}""")
            .WithVariable("OWN_KEY", "sk-own-4711")
            .WithSettings($"providers:\n  own: {{ type: openai, base_url: \"{model.BaseUrl}\", api_key: \"${{OWN_KEY}}\", models: [m] }}\n")
            .StartAsync();

        using var response = await gateway.OpenStreamAsync(ProductionStage.Path, ProductionStage.Body(isStreaming: false, question, model: tool == "search" ? "own/m" : "mock/mock"));
        var answer = await ChatAnswer.ReadAsync(response);

        var told = $"The tool '{tool}' has no address to ask: set tools.{tool}_base_url in the settings file. In development nothing leaves this machine unless it is set.";
        answer.AssertAnswered(tool == "search" ? told : "Mock answer from weather: " + told);
    }

    private static Task<GatewayUnderTest> StartAsync(string backUrl) => new GatewayUnderTest()
        .WithAgents("""{"default":{"tools":["calculator","weather"]}}""")
        .WithSettings($$"""tools: { weather_base_url: "{{backUrl}}", search_base_url: "{{backUrl}}" }""")
        .StartAsync();

    private static async Task<ChatAnswer> AskAsync(GatewayUnderTest gateway, bool isStreaming, string question)
    {
        using var response = await gateway.OpenStreamAsync(ProductionStage.Path, ProductionStage.Body(isStreaming, question, model: "mock/mock"));
        return await ChatAnswer.ReadAsync(response);
    }
}
