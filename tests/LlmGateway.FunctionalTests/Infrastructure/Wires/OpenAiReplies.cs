using System.Text.Json;

namespace LlmGateway.FunctionalTests.Infrastructure;

/// <summary>Well-formed answers of an OpenAI-compatible provider, for scripts.</summary>
internal static class OpenAiReplies
{
    public const string Id = "chatcmpl-scripted";
    public const string Model = "scripted-model";

    public static string Completion(string content, int promptTokens = 9, int completionTokens = 2) =>
        $$$"""{"id":"{{{Id}}}","object":"chat.completion","created":1790000000,"model":"{{{Model}}}","choices":[{"index":0,"message":{"role":"assistant","content":{{{Quote(content)}}},"refusal":null,"annotations":[]},"logprobs":null,"finish_reason":"stop"}],"usage":{{{Usage(promptTokens, completionTokens)}}},"service_tier":"default","system_fingerprint":"fp_scripted"}""";

    /// <summary>An answer that calls tools, each with its id, name and arguments.</summary>
    public static string ToolCalls(string? content, params (string Id, string Name, string Arguments)[] calls) =>
        $$$"""{"id":"{{{Id}}}","object":"chat.completion","created":1790000000,"model":"{{{Model}}}","choices":[{"index":0,"message":{"role":"assistant","content":{{{JsonSerializer.Serialize(content)}}},"tool_calls":[{{{string.Join(',', calls.Select(Call))}}}],"refusal":null,"annotations":[]},"logprobs":null,"finish_reason":"tool_calls"}],"usage":{{{Usage(9, 2)}}},"service_tier":"default","system_fingerprint":"fp_scripted"}""";

    /// <summary>The start of a tool call in a stream, and its arguments.</summary>
    public static string CallChunk(int index, string id, string name, string arguments = "") =>
        Chunk($$$"""{"tool_calls":[{"index":{{{index}}},"id":"{{{id}}}","type":"function","function":{"name":"{{{name}}}","arguments":{{{Quote(arguments)}}}}}]}""");

    /// <summary>More of a tool call's arguments.</summary>
    public static string ArgumentsChunk(int index, string arguments) =>
        Chunk($$$"""{"tool_calls":[{"index":{{{index}}},"function":{"arguments":{{{Quote(arguments)}}}}}]}""");

    public static string RoleChunk() => Chunk("""{"role":"assistant","content":"","refusal":null}""");

    public static string ContentChunk(string content) => Chunk($$"""{"content":{{Quote(content)}}}""");

    public static string FinishChunk(string reason = "stop") => Chunk("{}", $"\"{reason}\"");

    /// <summary>The chunk that only tells usage, sent to those who asked.</summary>
    public static string UsageChunk(int promptTokens = 9, int completionTokens = 2) =>
        $$"""{"id":"{{Id}}","object":"chat.completion.chunk","created":1790000000,"model":"{{Model}}","choices":[],"usage":{{Usage(promptTokens, completionTokens)}}}""";

    public static string Chunk(string delta, string finishReason = "null") =>
        $$"""{"id":"{{Id}}","object":"chat.completion.chunk","created":1790000000,"model":"{{Model}}","choices":[{"index":0,"delta":{{delta}},"logprobs":null,"finish_reason":{{finishReason}}}]}""";

    public static string Usage(int promptTokens, int completionTokens) =>
        $$"""{"prompt_tokens":{{promptTokens}},"completion_tokens":{{completionTokens}},"total_tokens":{{promptTokens + completionTokens}}}""";

    public static string Error(string message, string type = "server_error", string? code = null) =>
        JsonSerializer.Serialize(new { error = new { message, type, param = (string?)null, code } });

    /// <summary>A whole healthy stream: role, words, finish, usage, [DONE].</summary>
    public static Script Stream(params string[] words)
    {
        var script = Script.Sse(RoleChunk());
        foreach (var word in words)
        {
            script.Event(ContentChunk(word));
        }

        return script.Event(FinishChunk()).Event(UsageChunk(completionTokens: words.Length)).Done();
    }

    private static string Call((string Id, string Name, string Arguments) call) =>
        $$$"""{"id":"{{{call.Id}}}","type":"function","function":{"name":"{{{call.Name}}}","arguments":{{{Quote(call.Arguments)}}}}}""";

    private static string Quote(string text) => JsonSerializer.Serialize(text);
}
