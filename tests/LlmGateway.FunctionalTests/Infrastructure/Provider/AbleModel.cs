using System.Text.Json;

namespace LlmGateway.FunctionalTests.Infrastructure;

/// <summary>Answers of models with given abilities, in each provider's own form, for the questions of the model tests.</summary>
internal static class AbleModel
{
    private const string Capital = """{"capital":"Paris"}""";
    private const string City = """{"name":"Paris","population_millions":2.1}""";

    public static Func<RecordedRequest, Script> OpenAi(Abilities abilities) => _ => Script.Chosen(request =>
    {
        var body = request.Json();
        if (IsStream(body))
        {
            return IsEndless(request)
                ? Script.Sse(OpenAiReplies.RoleChunk(), OpenAiReplies.ContentChunk("one")).Stall()
                : OpenAiStream(abilities);
        }

        var calls = Calls(request, body, abilities);
        return Script.Json(calls > 0 ? OpenAiCalls(calls) : Without(abilities, OpenAiReplies.Completion(Text(request, body, abilities))));
    });

    public static Func<RecordedRequest, Script> Ollama(Abilities abilities) => _ => Script.Chosen(request =>
    {
        var body = request.Json();
        if (!abilities.HasFlag(Abilities.Tools) && Has(body, "tools"))
        {
            return Script.Json(OllamaReplies.Error("llama3.1 does not support tools"), 400);
        }

        if (IsStream(body))
        {
            return IsEndless(request) ? Script.JsonLines(OllamaReplies.Word("one")).Stall() : OllamaReplies.Stream("one ", "two ", "three");
        }

        var text = JsonSerializer.Deserialize<JsonElement>(OllamaReplies.Whole(Text(request, body, abilities)));
        return Script.Json(text.GetRawText());
    });

    public static Func<RecordedRequest, Script> Anthropic(Abilities abilities) => _ => Script.Chosen(request =>
    {
        var body = request.Json();
        if (IsStream(body))
        {
            return IsEndless(request) ? AnthropicReplies.Started().Word("one").Stall() : AnthropicReplies.Stream("one ", "two ", "three");
        }

        return Script.Json(Calls(request, body, abilities) switch
        {
            0 => AnthropicReplies.Message(Text(request, body, abilities)),
            1 => AnthropicReplies.ToolUse("toolu_1", "get_weather", """{"city":"Paris"}"""),
            _ => AnthropicReplies.ToolUse("toolu_1", "get_weather", """{"city":"Paris"}""", """{"type":"tool_use","id":"toolu_2","name":"get_weather","input":{"city":"Rome"}},"""),
        });
    });

    private static int Calls(RecordedRequest request, JsonElement body, Abilities abilities) => !Has(body, "tools") || !abilities.HasFlag(Abilities.Tools) ? 0
        : request.Text.Contains("Rome", StringComparison.Ordinal) && abilities.HasFlag(Abilities.ParallelTools) ? 2
        : 1;

    private static string Text(RecordedRequest request, JsonElement body, Abilities abilities)
    {
        if (request.Text.Contains("population_millions", StringComparison.Ordinal))
        {
            return abilities.HasFlag(Abilities.JsonSchema) ? City : "Paris is a lovely city.";
        }

        if (Has(body, "response_format") || Has(body, "format") || Has(body, "output_config") || request.Text.Contains("JSON", StringComparison.Ordinal))
        {
            return abilities.HasFlag(Abilities.Json) ? Capital : "The capital is Paris.";
        }

        return request.Text.Contains("colour", StringComparison.Ordinal) ? abilities.HasFlag(Abilities.Vision) ? "Red" : "I see no image." : "ready";
    }

    private static Script OpenAiStream(Abilities abilities) => abilities.HasFlag(Abilities.Usage)
        ? OpenAiReplies.Stream("one ", "two ", "three")
        : Script.Sse(OpenAiReplies.RoleChunk(), OpenAiReplies.ContentChunk("one "), OpenAiReplies.ContentChunk("two"), OpenAiReplies.FinishChunk()).Done();

    private static string OpenAiCalls(int count)
    {
        string[] cities = ["Paris", "Rome"];
        var calls = string.Join(',', cities.Take(count).Select((city, index) =>
            $$$"""{"id":"call_{{{index}}}","type":"function","function":{"name":"get_weather","arguments":"{\"city\":\"{{{city}}}\"}"}}"""));
        return OpenAiReplies.Completion("x").Replace("\"content\":\"x\"", $"\"content\":null,\"tool_calls\":[{calls}]", StringComparison.Ordinal)
            .Replace("\"finish_reason\":\"stop\"", "\"finish_reason\":\"tool_calls\"", StringComparison.Ordinal);
    }

    private static string Without(Abilities abilities, string completion) => abilities.HasFlag(Abilities.Usage)
        ? completion
        : completion.Replace($"\"usage\":{OpenAiReplies.Usage(9, 2)},", "", StringComparison.Ordinal);

    private static bool IsStream(JsonElement body) => body.TryGetProperty("stream", out var stream) && stream.ValueKind == JsonValueKind.True;

    private static bool IsEndless(RecordedRequest request) => request.Text.Contains("three hundred", StringComparison.Ordinal);

    private static bool Has(JsonElement body, string name) => body.TryGetProperty(name, out _);
}
