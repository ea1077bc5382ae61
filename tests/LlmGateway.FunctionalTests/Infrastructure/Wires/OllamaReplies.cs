using System.Text.Json;

namespace LlmGateway.FunctionalTests.Infrastructure;

/// <summary>Well-formed answers of Ollama's own API, for scripts.</summary>
internal static class OllamaReplies
{
    public const string Model = "llama3.1";

    public static string Whole(string content, int promptTokens = 9, int completionTokens = 2) => Last(content, promptTokens, completionTokens);

    public static string Word(string content) =>
        $$$"""{"model":"{{{Model}}}","created_at":"2026-10-01T08:00:00.5Z","message":{"role":"assistant","content":{{{Quote(content)}}}},"done":false}""";

    public static string Last(string content = "", int promptTokens = 9, int completionTokens = 2, string reason = "stop") =>
        $$$"""{"model":"{{{Model}}}","created_at":"2026-10-01T08:00:01Z","message":{"role":"assistant","content":{{{Quote(content)}}}},"done":true,"done_reason":"{{{reason}}}","total_duration":5000000,"load_duration":1000000,"prompt_eval_count":{{{promptTokens}}},"prompt_eval_duration":1000000,"eval_count":{{{completionTokens}}},"eval_duration":3000000}""";

    public static string Error(string message) => JsonSerializer.Serialize(new { error = message });

    public static Script Stream(params string[] words) =>
        Script.JsonLines([.. words.Select(Word), Last(completionTokens: words.Length)]);

    private static string Quote(string text) => JsonSerializer.Serialize(text);
}
