using System.Text.Json;

namespace LlmGateway.FunctionalTests.Infrastructure;

/// <summary>The demands of Anthropic's Messages API on headers and the top level of a body; those on messages are in <see cref="AnthropicMessageRules"/>.</summary>
internal sealed class AnthropicRules : IWireRules
{
    private const string VersionWithoutSampling = "2026-10-21";

    private static readonly string[] Members =
    [
        "model", "messages", "max_tokens", "system", "temperature", "top_p", "top_k", "stop_sequences", "stream", "tools", "tool_choice", "metadata",
        "thinking", "service_tier", "output_config", "cache_control", "container",
    ];

    /// <summary>Members that the count of a prompt takes: no limit, no sampling.</summary>
    private static readonly string[] CountMembers =
    [
        "model", "messages", "system", "tools", "tool_choice", "thinking", "output_config", "cache_control",
    ];

    public string ChatRoute => "POST /v1/messages";

    public string ErrorBody(int status, string message) => JsonSerializer.Serialize(
        new { type = "error", error = new { type = "invalid_request_error", message }, request_id = "req_scripted" });

    public IEnumerable<string> Problems(RecordedRequest request)
    {
        if (request.Header("anthropic-version") is not ("2023-06-01" or VersionWithoutSampling))
        {
            return ["anthropic-version: header is required"];
        }

        // Both would be two credentials; one of them could be the client's.
        if (request.Header("x-api-key") is null == request.Header("authorization") is null)
        {
            return ["x-api-key: exactly one credential is required"];
        }

        if (request.Method == "GET")
        {
            return [];
        }

        if (JsonRules.Body(request, out var problem) is not { } body)
        {
            return [problem!];
        }

        if (request.Path == "/v1/messages/count_tokens")
        {
            return body.UnknownMembers(CountMembers).Select(name => $"{name}: Extra inputs are not permitted").Concat(Tools(body)).Concat(AnthropicMessageRules.Problems(body));
        }

        return request.Path == "/v1/messages"
            ? Top(body).Concat(Sampling(body, request.Header("anthropic-version")!)).Concat(Tools(body)).Concat(Thinking(body)).Concat(AnthropicMessageRules.Problems(body))
            : [];
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

        if (body.Get("stream") is not null && !body.Get("stream").IsBool())
        {
            yield return "stream: Input should be a valid boolean";
        }

        if (body.Get("stop_sequences") is { } stops
            && (stops.ValueKind != JsonValueKind.Array || ((JsonElement?)stops).Items().Any(stop => stop.ValueKind != JsonValueKind.String || string.IsNullOrWhiteSpace(stop.GetString()))))
        {
            yield return "stop_sequences: each stop sequence must contain non-whitespace";
        }

        if (body.Get("metadata") is { } metadata && metadata.UnknownMembers("user_id").Any())
        {
            yield return "metadata: Extra inputs are not permitted";
        }

        if (body.Get("service_tier") is { } tier && tier.ToString() is not ("auto" or "standard_only"))
        {
            yield return "service_tier: Input should be 'auto' or 'standard_only'";
        }

        if (body.Get("output_config") is { } output && output.UnknownMembers("effort", "format").Any())
        {
            yield return "output_config: Extra inputs are not permitted";
        }
    }

    private static IEnumerable<string> Sampling(JsonElement body, string version)
    {
        string[] names = ["temperature", "top_p", "top_k"];
        if (version == VersionWithoutSampling && names.Any(name => body.Get(name) is not null))
        {
            yield return "temperature, top_p, top_k: Extra inputs are not permitted";
        }

        if (body.Get("temperature") is not null && !body.Get("temperature").IsNumberIn(0, 1))
        {
            yield return "temperature: range: 0..1";
        }

        if (body.Get("top_p") is not null && !body.Get("top_p").IsNumberIn(0, 1))
        {
            yield return "top_p: range: 0..1";
        }

        if (body.Get("top_k") is not null && !body.Get("top_k").IsIntegerFrom(0))
        {
            yield return "top_k: Input should be a valid integer";
        }

        // As the models from Opus 4.1 on have it; a script's model takes sampling unless its name says that it is a newer one.
        var model = body.Get("model")?.ToString() ?? "";
        if (model.StartsWith("claude-", StringComparison.Ordinal) && body.Get("temperature") is not null && body.Get("top_p") is not null)
        {
            yield return "`temperature` and `top_p` cannot both be specified for this model. Please use only one.";
        }

        if (model.Contains("opus-4-7", StringComparison.Ordinal) && !body.Get("temperature").IsMissing() && !body.Get("temperature").IsNumberIn(1, 1))
        {
            yield return "`temperature` is deprecated for this model.";
        }
    }

    private static IEnumerable<string> Tools(JsonElement body)
    {
        var names = body.Get("tools").Items().Select(tool => tool.Get("name")?.ToString()).ToList();
        if (names.Distinct().Count() != names.Count)
        {
            yield return "tools: Tool names must be unique.";
        }

        foreach (var tool in body.Get("tools").Items())
        {
            if (!tool.Get("name").IsText() || tool.UnknownMembers("name", "description", "input_schema", "strict", "cache_control", "type").Any())
            {
                yield return "tools.name: Field required, or extra inputs";
            }

            if (tool.Get("type") is null && tool.Get("input_schema").GetValueOrDefault().Get("type")?.ToString() != "object")
            {
                yield return "tools.input_schema.type: Field required";
            }
        }

        if (body.Get("tool_choice") is not { } choice)
        {
            yield break;
        }

        var type = choice.Get("type")?.ToString();
        if (type is not ("auto" or "any" or "tool" or "none"))
        {
            yield return "tool_choice: Input tag not found";
        }

        if (names.Count == 0)
        {
            yield return "tool_choice: may only be specified while providing tools";
        }

        if ((type == "tool" && !names.Contains(choice.Get("name")?.ToString())) || (type == "none" && choice.Get("disable_parallel_tool_use") is not null))
        {
            yield return "tool_choice: Tool not found in provided tools, or extra inputs";
        }
    }

    private static IEnumerable<string> Thinking(JsonElement body)
    {
        if (body.Get("thinking") is not { } thinking)
        {
            yield break;
        }

        var type = thinking.Get("type")?.ToString();
        var budget = thinking.Get("budget_tokens");
        if (type is not ("enabled" or "adaptive" or "disabled") || (budget is not null) != (type == "enabled"))
        {
            yield return "thinking: Input tag not found, or extra inputs";
        }

        if (type == "enabled" && !budget.IsIntegerFrom(1024))
        {
            yield return "thinking.enabled.budget_tokens: Input should be greater than or equal to 1024";
        }

        if (type == "enabled" && budget.IsIntegerFrom(1) && !body.Get("max_tokens").IsIntegerFrom(budget!.Value.GetInt64() + 1))
        {
            yield return "`max_tokens` must be greater than `thinking.budget_tokens`";
        }

        if (type != "disabled" && (body.Get("temperature") is not null || body.Get("top_k") is not null))
        {
            yield return "`temperature` may only be set to 1 when thinking is enabled";
        }

        if (type != "disabled" && body.Get("tool_choice").GetValueOrDefault().Get("type")?.ToString() is "any" or "tool")
        {
            yield return "Thinking may not be enabled when tool_choice forces tool use.";
        }
    }
}
