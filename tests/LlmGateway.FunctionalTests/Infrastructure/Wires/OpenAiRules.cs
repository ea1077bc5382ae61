using System.Text.Json;

namespace LlmGateway.FunctionalTests.Infrastructure;

/// <summary>
/// OpenAI's demands. Members that it does not know are let through, as OpenAI-compatible servers do: that the gateway passes them on is
/// for the tests to see.
/// </summary>
internal sealed class OpenAiRules : IWireRules
{
    private static readonly string[] Roles = ["developer", "system", "user", "assistant", "tool", "function"];

    public string ChatRoute => "POST /v1/chat/completions";

    public string ErrorBody(int status, string message) => JsonSerializer.Serialize(
        new { error = new { message, type = "invalid_request_error", param = (string?)null, code = (string?)null } });

    public IEnumerable<string> Problems(RecordedRequest request)
    {
        if (request.Method == "GET")
        {
            return [];
        }

        if (JsonRules.Body(request, out var problem) is not { } body)
        {
            return [problem!];
        }

        return request.Path switch
        {
            "/v1/chat/completions" => Model(body).Concat(Streaming(body)).Concat(Sampling(body)).Concat(Messages(body)).Concat(Tools(body)),
            "/v1/completions" => Model(body).Concat(Streaming(body)).Concat(Prompt(body)),
            "/v1/embeddings" => Model(body).Concat(Input(body)),
            _ => [],
        };
    }

    private static IEnumerable<string> Model(JsonElement body)
    {
        if (!body.Get("model").IsText())
        {
            yield return "you must provide a model parameter";
        }
        else if (body.Get("model")!.Value.GetString() is { } model
            && (model.StartsWith("agent:", StringComparison.Ordinal) || model.StartsWith("role:", StringComparison.Ordinal)))
        {
            yield return $"the gateway's own name {model} went upstream";
        }
    }

    private static IEnumerable<string> Streaming(JsonElement body)
    {
        var streams = body.Get("stream");
        if (!streams.IsMissing() && !streams.IsBool())
        {
            yield return "'stream' is not of type 'boolean'";
        }

        if (!body.Get("stream_options").IsMissing() && !streams.Is(JsonValueKind.True))
        {
            yield return "The 'stream_options' parameter is only allowed when 'stream' is enabled.";
        }

        if (body.Get("stream_options") is { ValueKind: JsonValueKind.Object } options)
        {
            foreach (var name in options.UnknownMembers("include_usage", "include_obfuscation", "continuous_usage_stats"))
            {
                yield return $"Unknown parameter: 'stream_options.{name}'.";
            }

            if (options.Get("include_usage") is { } wanted && !((JsonElement?)wanted).IsBool())
            {
                yield return "'stream_options.include_usage' is not of type 'boolean'";
            }
        }
    }

    private static IEnumerable<string> Sampling(JsonElement body)
    {
        (string Name, double Low, double High)[] ranges =
            [("temperature", 0, 2), ("top_p", 0, 1), ("presence_penalty", -2, 2), ("frequency_penalty", -2, 2)];
        foreach (var (name, low, high) in ranges)
        {
            if (body.Get(name) is var value && !value.IsMissing() && !value.IsNumberIn(low, high))
            {
                yield return $"'{name}' is out of range";
            }
        }

        foreach (var name in (string[])["max_tokens", "max_completion_tokens", "n"])
        {
            if (body.Get(name) is var value && !value.IsMissing() && !value.IsIntegerFrom(1))
            {
                yield return $"'{name}' is not a positive integer";
            }
        }

        if (!body.Get("max_tokens").IsMissing() && !body.Get("max_completion_tokens").IsMissing())
        {
            yield return "Setting 'max_tokens' and 'max_completion_tokens' at the same time is not supported.";
        }

        if (!body.Get("top_logprobs").IsMissing() && !body.Get("logprobs").Is(JsonValueKind.True))
        {
            yield return "'top_logprobs' requires 'logprobs'";
        }

        if (body.Get("stop").Items().Any(stop => stop.ValueKind != JsonValueKind.String) || body.Get("stop").Items().Count() > 4)
        {
            yield return "'stop' is not one to four strings";
        }

        if (body.Get("response_format") is { ValueKind: not JsonValueKind.Null } format
            && format.Get("type")?.GetString() is not ("text" or "json_object" or "json_schema"))
        {
            yield return "'response_format.type' is not known";
        }
    }

    private static IEnumerable<string> Messages(JsonElement body)
    {
        if (!body.Get("messages").Items().Any())
        {
            yield return "[] is too short - 'messages'";
        }

        foreach (var message in body.Get("messages").Items())
        {
            var role = message.Get("role") is { ValueKind: JsonValueKind.String } there ? there.GetString() : null;
            if (!Roles.Contains(role))
            {
                yield return $"'{role}' is not one of the roles";
            }

            var content = message.Get("content");
            if (!content.Is(JsonValueKind.String, JsonValueKind.Array) && (role != "assistant" || (message.Get("tool_calls") ?? message.Get("function_call")) is null))
            {
                yield return $"content of a {role} message is neither a string nor an array";
            }

            if (content.Is(JsonValueKind.Array) && !content.Items().Any())
            {
                yield return "content is an empty array";
            }

            if (content.Items().Any(part => !part.Get("type").IsText()))
            {
                yield return "a content part has no type";
            }

            if (role == "tool" && !message.Get("tool_call_id").IsText())
            {
                yield return "a tool message has no tool_call_id";
            }

            foreach (var call in message.Get("tool_calls").Items())
            {
                if (!call.Get("id").IsText() || call.Get("type")?.GetString() is not ("function" or "custom"))
                {
                    yield return "a tool call lacks id or type";
                }
                else if (call.Get("function") is { } function && (!function.Get("name").IsText() || !function.Get("arguments").Is(JsonValueKind.String)))
                {
                    yield return "a tool call's arguments are not a string";
                }
            }
        }
    }

    private static IEnumerable<string> Tools(JsonElement body)
    {
        foreach (var tool in body.Get("tools").Items())
        {
            if (tool.Get("type")?.GetString() is "function" && !tool.Get("function").GetValueOrDefault().Get("name").IsText())
            {
                yield return "a tool has no function.name";
            }
        }

        if (body.Get("tools").Is(JsonValueKind.Array) && !body.Get("tools").Items().Any())
        {
            yield return "[] is too short - 'tools'";
        }

        if (!body.Get("tool_choice").IsMissing() && body.Get("tools").IsMissing())
        {
            yield return "'tool_choice' is only allowed when 'tools' are specified";
        }
    }

    private static IEnumerable<string> Prompt(JsonElement body)
    {
        if (!body.Get("prompt").Is(JsonValueKind.String, JsonValueKind.Array))
        {
            yield return "you must provide a prompt";
        }
    }

    private static IEnumerable<string> Input(JsonElement body)
    {
        if (!body.Get("input").Is(JsonValueKind.String, JsonValueKind.Array)
            || (body.Get("input").Is(JsonValueKind.Array) && !body.Get("input").Items().Any()))
        {
            yield return "you must provide an input";
        }
    }
}
