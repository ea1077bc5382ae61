using System.Text.Json;

namespace LlmGateway.FunctionalTests.Infrastructure;

/// <summary>Well-formed answers of Anthropic's Messages API, for scripts.</summary>
internal static class AnthropicReplies
{
    public const string Model = "claude-scripted-1";

    public static string Message(string content, int inputTokens = 9, int outputTokens = 2) =>
        Message($$"""[{"type":"text","text":{{Quote(content)}}}]""", "end_turn", inputTokens, outputTokens);

    public static string ToolUse(string id, string name, string input, string before = "") =>
        Message($$"""[{{before}}{"type":"tool_use","id":"{{id}}","name":"{{name}}","input":{{input}}}]""", "tool_use", 9, 2);

    public static string Error(string type, string message) => JsonSerializer.Serialize(new { type = "error", error = new { type, message }, request_id = "req_scripted" });

    /// <summary>A whole healthy stream of one text.</summary>
    public static Script Stream(params string[] words) => words.Aggregate(Started(), Word).Add(MessageDelta(words.Length)).Add(MessageStop);

    /// <summary>A stream that has begun: nothing yet that a client would see.</summary>
    public static Script Started() => Script.Sse()
        .Add("""{"type":"message_start","message":{"id":"msg_scripted","type":"message","role":"assistant","model":"claude-scripted-1","content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":9,"cache_creation_input_tokens":0,"cache_read_input_tokens":0,"output_tokens":1}}}""")
        .Add("""{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}""")
        .Add("""{"type":"ping"}""");

    public static Script Word(this Script script, string word) =>
        script.Add($$$"""{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":{{{Quote(word)}}}}}""");

    /// <summary>One event, named after its type.</summary>
    public static Script Add(this Script script, string json)
    {
        using var document = JsonDocument.Parse(json);
        return script.Event(document.RootElement.GetProperty("type").GetString()!, json);
    }

    public const string MessageStop = """{"type":"message_stop"}""";

    public static string MessageDelta(int outputTokens, string reason = "end_turn") =>
        $$$"""{"type":"message_delta","delta":{"stop_reason":"{{{reason}}}","stop_sequence":null},"usage":{"output_tokens":{{{outputTokens}}}}}""";

    private static string Message(string blocks, string reason, int inputTokens, int outputTokens) =>
        $$$"""{"id":"msg_scripted","type":"message","role":"assistant","model":"{{{Model}}}","content":{{{blocks}}},"stop_reason":"{{{reason}}}","stop_sequence":null,"usage":{"input_tokens":{{{inputTokens}}},"cache_creation_input_tokens":0,"cache_read_input_tokens":0,"output_tokens":{{{outputTokens}}}}}""";

    private static string Quote(string text) => JsonSerializer.Serialize(text);
}
