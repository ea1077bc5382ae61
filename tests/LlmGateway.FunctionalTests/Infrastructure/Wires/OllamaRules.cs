using System.Text.Json;

namespace LlmGateway.FunctionalTests.Infrastructure;

/// <summary>
/// The demands of Ollama's own API. Stricter than the real server in one thing: a top-level member it would silently ignore is refused,
/// since a limit or a choice that gets lost on the way is the gateway's mistake.
/// </summary>
internal sealed class OllamaRules : IWireRules
{
    private static readonly string[] ChatMembers =
        ["model", "messages", "stream", "format", "keep_alive", "tools", "options", "think", "truncate", "shift", "logprobs", "top_logprobs"];

    private static readonly string[] GenerateMembers =
    [
        "model", "prompt", "suffix", "system", "template", "context", "stream", "raw", "format", "keep_alive", "images", "options", "think",
        "truncate", "shift", "logprobs", "top_logprobs",
    ];

    private static readonly Dictionary<string, JsonValueKind[]> Options = new(StringComparer.Ordinal)
    {
        ["stop"] = [JsonValueKind.Array],
        ["penalize_newline"] = [JsonValueKind.True, JsonValueKind.False],
        ["use_mmap"] = [JsonValueKind.True, JsonValueKind.False],
        ["numa"] = [JsonValueKind.True, JsonValueKind.False],
    };

    private static readonly string[] NumberOptions =
    [
        "num_predict", "temperature", "top_p", "top_k", "min_p", "typical_p", "seed", "frequency_penalty", "presence_penalty", "repeat_penalty",
        "repeat_last_n", "num_ctx", "num_keep", "num_batch", "num_gpu", "main_gpu", "num_thread",
    ];

    public string ChatRoute => "POST /api/chat";

    public string ErrorBody(int status, string message) => JsonSerializer.Serialize(new { error = message });

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
            "/api/chat" => Common(body, ChatMembers).Concat(Messages(body)).Concat(Tools(body)),
            "/api/generate" => Common(body, GenerateMembers).Concat(Images(body.Get("images"))),
            "/api/embed" => Embed(body),
            "/api/show" => body.Get("model").IsText() ? [] : ["model is required"],
            _ => [],
        };
    }

    private static IEnumerable<string> Common(JsonElement body, string[] members)
    {
        foreach (var name in body.UnknownMembers(members))
        {
            yield return $"unknown member '{name}'";
        }

        if (!body.Get("model").IsText())
        {
            yield return "model is required";
        }

        if (!body.Get("stream").IsBool())
        {
            yield return "'stream' must be sent explicitly: absent means true";
        }

        if (!body.Get("format").IsMissing() && !body.Get("format").Is(JsonValueKind.Object) && body.Get("format")?.ToString() is not ("json" or ""))
        {
            yield return "invalid format: expected \"json\" or a JSON schema";
        }

        if (!body.Get("think").IsMissing() && !body.Get("think").IsBool() && body.Get("think")?.ToString() is not ("low" or "medium" or "high" or "max"))
        {
            yield return "invalid think value";
        }

        if (!body.Get("options").IsMissing() && !body.Get("options").Is(JsonValueKind.Object))
        {
            yield return "options is not an object";
        }

        foreach (var option in body.Get("options") is { ValueKind: JsonValueKind.Object } options ? options.EnumerateObject().ToList() : [])
        {
            if (NumberOptions.Contains(option.Name, StringComparer.Ordinal)
                ? option.Value.ValueKind != JsonValueKind.Number
                : !Options.TryGetValue(option.Name, out var kinds) || !kinds.Contains(option.Value.ValueKind))
            {
                yield return $"option \"{option.Name}\" is unknown or of the wrong type";
            }
        }
    }

    private static IEnumerable<string> Messages(JsonElement body)
    {
        if (!body.Get("messages").Items().Any())
        {
            yield return "no messages: the model would only be loaded";
        }

        foreach (var message in body.Get("messages").Items())
        {
            foreach (var name in message.UnknownMembers("role", "content", "thinking", "images", "tool_calls", "tool_name", "tool_call_id"))
            {
                yield return $"unknown member '{name}' in a message";
            }

            if (message.Get("role")?.ToString() is not ("system" or "user" or "assistant" or "tool"))
            {
                yield return $"invalid role {message.Get("role")}";
            }

            if (message.Get("content") is not null && !message.Get("content").Is(JsonValueKind.String, JsonValueKind.Null))
            {
                yield return "json: cannot unmarshal content into Go struct field of type string";
            }

            foreach (var call in message.Get("tool_calls").Items())
            {
                if (!call.Get("function").GetValueOrDefault().Get("name").IsText() || !call.Get("function")!.Value.Get("arguments").Is(JsonValueKind.Object))
                {
                    yield return "json: cannot unmarshal string into Go struct field function.arguments";
                }
            }

            foreach (var problem in Images(message.Get("images")))
            {
                yield return problem;
            }
        }
    }

    private static IEnumerable<string> Images(JsonElement? images)
    {
        foreach (var image in images.Items())
        {
            if (image.ValueKind != JsonValueKind.String || !image.TryGetBytesFromBase64(out _))
            {
                yield return "illegal base64 data in images";
            }
        }
    }

    private static IEnumerable<string> Tools(JsonElement body)
    {
        foreach (var tool in body.Get("tools").Items())
        {
            if (tool.Get("type")?.ToString() != "function" || !tool.Get("function").GetValueOrDefault().Get("name").IsText())
            {
                yield return "a tool is no function with a name";
            }
        }
    }

    private static IEnumerable<string> Embed(JsonElement body)
    {
        foreach (var name in body.UnknownMembers("model", "input", "truncate", "dimensions", "options", "keep_alive"))
        {
            yield return $"unknown member '{name}'";
        }

        if (!body.Get("model").IsText())
        {
            yield return "model is required";
        }

        if (!body.Get("input").Is(JsonValueKind.String) && !body.Get("input").Items().All(item => item.ValueKind == JsonValueKind.String))
        {
            yield return "invalid input type";
        }
    }
}
