using System.Text.Json;

namespace LlmGateway.FunctionalTests.Infrastructure;

/// <summary>Well-formed answers of Google's Gemini API, for scripts.</summary>
internal static class GeminiReplies
{
    public static string Whole(string content, int promptTokens = 9, int outputTokens = 2, string reason = "STOP") =>
        Chunk([new { text = content }], reason, promptTokens, outputTokens);

    public static string Call(string name, object args, string? signature = null, string? reason = "STOP", string? id = null) =>
        Chunk([Part(new { functionCall = id is null ? (object)new { name, args } : new { id, name, args } }, signature)], reason, 9, 5);

    public static string Word(string content) => Chunk([new { text = content }], null, 9, null);

    public static string Chunk(object[] parts, string? reason, int promptTokens, int? outputTokens) => JsonSerializer.Serialize(new
    {
        candidates = new[] { Candidate(parts, reason) },
        usageMetadata = outputTokens is { } output
            ? (object)new { promptTokenCount = promptTokens, candidatesTokenCount = output, totalTokenCount = promptTokens + output }
            : new { promptTokenCount = promptTokens, totalTokenCount = promptTokens },
        modelVersion = "gemini-test",
        responseId = "r-1",
    });

    public static string Error(int code, string status, string message, params object[] details) =>
        JsonSerializer.Serialize(new[] { new { error = new { code, message, status, details } } });

    /// <summary>A stream as Google ends it: CRLF, no mark of the end.</summary>
    public static Script Stream(params string[] chunks)
    {
        var script = Script.Sse();
        foreach (var chunk in chunks)
        {
            script.Text($"data: {chunk}\r\n\r\n");
        }

        return script;
    }

    private static object Candidate(object[] parts, string? reason) =>
        reason is null ? new { content = new { role = "model", parts }, index = 0 } : new { content = new { role = "model", parts }, finishReason = reason, index = 0 };

    private static Dictionary<string, object> Part(object call, string? thoughtSignature)
    {
        var members = JsonSerializer.SerializeToElement(call).EnumerateObject().ToDictionary(member => member.Name, member => (object)member.Value);
        if (thoughtSignature is not null)
        {
            members[nameof(thoughtSignature)] = thoughtSignature;
        }

        return members;
    }
}
