using System.Text.Json;

namespace LlmGateway.FunctionalTests.Infrastructure;

/// <summary>The demands of Anthropic's Messages API, version 2023-06-01.</summary>
internal sealed class AnthropicRules : IWireRules
{
    private static readonly string[] Members =
    [
        "model", "messages", "max_tokens", "system", "temperature", "top_p", "top_k", "stop_sequences", "stream", "tools", "tool_choice", "metadata",
        "thinking", "service_tier", "output_config", "cache_control", "container",
    ];

    public string ChatRoute => "POST /v1/messages";

    public string ErrorBody(int status, string message) => JsonSerializer.Serialize(
        new { type = "error", error = new { type = "invalid_request_error", message }, request_id = "req_scripted" });

    public IEnumerable<string> Problems(RecordedRequest request)
    {
        if (request.Header("anthropic-version") is not ("2023-06-01" or "2026-10-21"))
        {
            return ["anthropic-version: header is required"];
        }

        if (request.Header("x-api-key") is null && request.Header("authorization") is null)
        {
            return ["x-api-key: header is required"];
        }

        if (request.Method == "GET")
        {
            return [];
        }

        if (JsonRules.Body(request, out var problem) is not { } body)
        {
            return [problem!];
        }

        return request.Path == "/v1/messages" ? Top(body).Concat(Messages(body)).Concat(ToolResults(body)) : [];
    }

    private static IEnumerable<string> Top(JsonElement body)
    {
        foreach (var name in body.UnknownMembers(Members))
        {
            yield return $"{name}: Extra inputs are not permitted";
        }

        if (!body.Get("model").IsText())
        {
            yield return "model: Field required";
        }

        if (!body.Get("max_tokens").IsIntegerFrom(1))
        {
            yield return "max_tokens: Field required";
        }

        if (!body.Get("temperature").IsMissing() && !body.Get("temperature").IsNumberIn(0, 1))
        {
            yield return "temperature: range: 0..1";
        }

        if (body.Get("stop_sequences") is { ValueKind: not JsonValueKind.Array })
        {
            yield return "stop_sequences: Input should be a valid list";
        }

        if (body.Get("system") is { } system && !((JsonElement?)system).Is(JsonValueKind.String, JsonValueKind.Array))
        {
            yield return "system: Input should be a string or a list of blocks";
        }

        foreach (var tool in body.Get("tools").Items())
        {
            if (tool.Get("name").IsText() && tool.Get("type") is null && tool.Get("input_schema").GetValueOrDefault().Get("type")?.ToString() != "object")
            {
                yield return "tools.input_schema.type: Field required";
            }
        }

        if (body.Get("tool_choice") is { } choice && choice.Get("type")?.ToString() is not ("auto" or "any" or "tool" or "none"))
        {
            yield return "tool_choice: Input tag not found";
        }
    }

    private static IEnumerable<string> Messages(JsonElement body)
    {
        if (!body.Get("messages").Items().Any())
        {
            yield return "messages: at least one message is required";
        }

        foreach (var message in body.Get("messages").Items())
        {
            if (message.Get("role")?.ToString() is not ("user" or "assistant"))
            {
                yield return "messages: Unexpected role";
            }

            if (!message.Get("content").IsText() && !message.Get("content").Items().Any())
            {
                yield return "messages: all messages must have non-empty content";
            }

            foreach (var block in message.Get("content").Items())
            {
                var problem = block.Get("type")?.ToString() switch
                {
                    "text" => block.Get("text").IsText() ? null : "text content blocks must be non-empty",
                    "tool_use" => block.Get("id").IsText() && block.Get("name").IsText() && block.Get("input").Is(JsonValueKind.Object) ? null : "tool_use.input: Input should be a valid dictionary",
                    "tool_result" => block.Get("tool_use_id").IsText() ? null : "tool_result.tool_use_id: Field required",
                    "image" or "document" => block.Get("source").Is(JsonValueKind.Object) ? null : "source: Field required",
                    "thinking" or "redacted_thinking" => null,
                    var type => $"content: Input tag '{type}' not found",
                };
                if (problem is not null)
                {
                    yield return problem;
                }
            }
        }
    }

    /// <summary>Every tool use is answered at the head of the very next message, and no result comes unasked.</summary>
    private static IEnumerable<string> ToolResults(JsonElement body)
    {
        string[] open = [];
        foreach (var message in body.Get("messages").Items())
        {
            var blocks = message.Get("content").Items().ToList();
            var results = blocks.TakeWhile(block => IsA(block, "tool_result")).Select(block => block.Get("tool_use_id").ToString() ?? "").ToList();
            if (blocks.Count(block => IsA(block, "tool_result")) != results.Count)
            {
                yield return "tool_result blocks must come first";
            }

            if (open.Except(results).Any())
            {
                yield return "`tool_use` ids were found without `tool_result` blocks immediately after";
            }

            if (results.Except(open).Any())
            {
                yield return "unexpected `tool_use_id` found in `tool_result` blocks";
            }

            open = [.. blocks.Where(block => IsA(block, "tool_use")).Select(block => block.Get("id").ToString() ?? "")];
        }
    }

    private static bool IsA(JsonElement block, string type) => block.Get("type")?.ToString() == type;
}
