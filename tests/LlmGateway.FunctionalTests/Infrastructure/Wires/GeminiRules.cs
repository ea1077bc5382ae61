using System.Text.Json;

namespace LlmGateway.FunctionalTests.Infrastructure;

/// <summary>The demands of Google's Gemini API, v1beta.</summary>
internal sealed class GeminiRules : IWireRules
{
    private static readonly string[] Members =
        ["contents", "systemInstruction", "tools", "toolConfig", "generationConfig", "safetySettings", "cachedContent"];

    private static readonly string[] ConfigMembers =
    [
        "temperature", "topP", "topK", "maxOutputTokens", "stopSequences", "candidateCount", "seed", "presencePenalty", "frequencyPenalty",
        "responseLogprobs", "logprobs", "responseModalities", "responseMimeType", "responseSchema", "responseJsonSchema", "thinkingConfig",
    ];

    private static readonly string[] SchemaMembers =
    [
        "type", "format", "title", "description", "nullable", "enum", "items", "minItems", "maxItems", "properties", "required", "propertyOrdering",
        "anyOf", "minimum", "maximum", "minLength", "maxLength", "pattern", "default", "example", "minProperties", "maxProperties",
    ];

    public string ChatRoute => "POST /v1beta/models/*";

    public string ErrorBody(int status, string message) => JsonSerializer.Serialize(
        new { error = new { code = status, message, status = status == 404 ? "NOT_FOUND" : "INVALID_ARGUMENT" } });

    public IEnumerable<string> Problems(RecordedRequest request)
    {
        if (request.Target.Contains("key=", StringComparison.OrdinalIgnoreCase))
        {
            return ["the key is in the query, where logs see it"];
        }

        if (request.Header("x-goog-api-key") is null)
        {
            return ["Method doesn't allow unregistered callers"];
        }

        if (request.Method == "GET")
        {
            return [];
        }

        if (JsonRules.Body(request, out var problem) is not { } body)
        {
            return [problem!];
        }

        return Action(request) switch
        {
            "generateContent" or "streamGenerateContent" => Top(request, body).Concat(Contents(body)).Concat(Signatures(request, body)).Concat(Tools(body)),
            "batchEmbedContents" => Batch(request, body),
            "embedContent" => Embed(request, body),
            _ => [],
        };
    }

    private static string Action(RecordedRequest request) => request.Path[(request.Path.LastIndexOf(':') + 1)..];

    private static IEnumerable<string> Batch(RecordedRequest request, JsonElement body)
    {
        foreach (var name in body.UnknownMembers("requests"))
        {
            yield return $"Invalid JSON payload received. Unknown name \"{name}\": Cannot find field.";
        }

        var requests = body.Get("requests").Items().ToList();
        if (requests.Count is 0 or > 100)
        {
            yield return "BatchEmbedContentsRequest.requests: at least 1, at most 100 requests can be in one batch";
        }

        foreach (var problem in requests.SelectMany(one => one.Get("model").IsText() ? Embed(request, one) : ["BatchEmbedContentsRequest.requests.model: unexpected model name format"]))
        {
            yield return problem;
        }
    }

    private static IEnumerable<string> Embed(RecordedRequest request, JsonElement body)
    {
        foreach (var name in body.UnknownMembers("model", "content", "taskType", "title", "outputDimensionality"))
        {
            yield return $"Unknown name \"{name}\" at 'requests': Cannot find field.";
        }

        if (body.Get("model") is { } model && !Uri.UnescapeDataString(request.Path).EndsWith($"/{model}:{Action(request)}", StringComparison.Ordinal))
        {
            yield return "the model of a request is not the model of its batch";
        }

        if (body.Get("content") is not { } content || !content.Get("parts").Items().Any() || !content.Get("parts").Items().All(part => part.Get("text").IsText()))
        {
            yield return "content is empty, or not of text alone";
        }

        if (body.Get("outputDimensionality") is { } dimensions && !((JsonElement?)dimensions).IsIntegerFrom(1))
        {
            yield return "outputDimensionality is no positive integer";
        }
    }

    private static IEnumerable<string> Top(RecordedRequest request, JsonElement body)
    {
        if (request.Path.EndsWith(":streamGenerateContent", StringComparison.Ordinal) && !request.Target.EndsWith("?alt=sse", StringComparison.Ordinal))
        {
            yield return "a stream without alt=sse is one growing array";
        }

        if (request.Header("authorization") is not null)
        {
            yield return "a bearer token beside the key";
        }

        foreach (var name in body.UnknownMembers(Members))
        {
            yield return $"Invalid JSON payload received. Unknown name \"{name}\": Cannot find field.";
        }

        if (body.Get("generationConfig") is { } config)
        {
            foreach (var name in config.UnknownMembers(ConfigMembers))
            {
                yield return $"Unknown name \"{name}\" at 'generation_config': Cannot find field.";
            }

            foreach (var problem in config.Get("responseSchema") is { } schema ? Schema(schema) : [])
            {
                yield return problem;
            }

            if (!config.Get("stopSequences").IsMissing() && !config.Get("stopSequences").Is(JsonValueKind.Array))
            {
                yield return "generationConfig.stopSequences is no array";
            }

            if (!config.Get("maxOutputTokens").IsMissing() && !config.Get("maxOutputTokens").IsIntegerFrom(1))
            {
                yield return "generationConfig.maxOutputTokens is no positive integer";
            }
        }
    }

    private static IEnumerable<string> Contents(JsonElement body)
    {
        if (!body.Get("contents").Items().Any())
        {
            yield return "contents is not specified";
        }

        var calls = 0;
        string? before = null;
        foreach (var content in body.Get("contents").Items())
        {
            var role = content.Get("role")?.ToString();
            if (role is not ("user" or "model"))
            {
                yield return "Please use a valid role: user, model.";
            }

            if (role == before)
            {
                yield return "Please ensure that multiturn requests alternate between user and model.";
            }

            if (before is null && role == "model" && content.Get("parts").Items().Any(part => part.Get("functionCall") is not null))
            {
                yield return "Please ensure that function call turn comes immediately after a user turn or after a function response turn.";
            }

            before = role;
            if (!content.Get("parts").Items().Any() || content.Get("parts").Items().Any(IsEmpty))
            {
                yield return "contents.parts must not be empty";
            }

            var results = content.Get("parts").Items().Select(part => part.Get("functionResponse")).OfType<JsonElement>().ToList();
            if (results.Any(result => !result.Get("name").IsText() || !result.Get("response").Is(JsonValueKind.Object)))
            {
                yield return "functionResponse needs a name and a response object";
            }

            if (content.Get("parts").Items().Any(part => part.Get("functionCall") is { } call && (!call.Get("name").IsText() || !call.Get("args").Is(JsonValueKind.Object))))
            {
                yield return "functionCall needs a name and an args object";
            }

            if (results.Count != calls)
            {
                yield return "the number of function response parts is not the number of function call parts";
            }

            calls = content.Get("parts").Items().Count(part => part.Get("functionCall") is not null);
        }
    }

    /// <summary>A part that holds nothing: no data, or an empty text.</summary>
    private static bool IsEmpty(JsonElement part) =>
        part.Get("text") is { } text
            ? !((JsonElement?)text).IsText()
            : (part.Get("inlineData") ?? part.Get("functionCall") ?? part.Get("functionResponse") ?? part.Get("fileData")) is null;

    /// <summary>Gemini 3 wants the first call of every step of the current turn signed, and no other.</summary>
    private static IEnumerable<string> Signatures(RecordedRequest request, JsonElement body)
    {
        if (!request.Path.Contains("gemini-3", StringComparison.Ordinal))
        {
            yield break;
        }

        var contents = body.Get("contents").Items().ToList();
        var turn = contents.FindLastIndex(content => content.Get("parts").Items().Any(part => part.Get("text") is not null && content.Get("role")?.ToString() == "user"));
        foreach (var content in contents.Skip(turn + 1))
        {
            var calls = content.Get("parts").Items().Where(part => part.Get("functionCall") is not null).ToList();
            if (calls.Count > 0 && !calls[0].Get("thoughtSignature").IsText())
            {
                yield return "Function call is missing a thought_signature in functionCall parts.";
            }

            if (calls.Skip(1).Any(call => call.Get("thoughtSignature") is not null))
            {
                yield return "Thought signature is not valid.";
            }
        }
    }

    private static IEnumerable<string> Tools(JsonElement body)
    {
        foreach (var declaration in body.Get("tools").Items().SelectMany(tool => tool.Get("functionDeclarations").Items()))
        {
            foreach (var name in declaration.UnknownMembers("name", "description", "parameters", "parametersJsonSchema", "response", "behavior"))
            {
                yield return $"Unknown name \"{name}\" at 'tools.function_declarations'";
            }

            if (declaration.Get("parameters") is not null && declaration.Get("parametersJsonSchema") is not null)
            {
                yield return "parameters and parametersJsonSchema are mutually exclusive";
            }

            foreach (var problem in declaration.Get("parameters") is { } schema ? Schema(schema) : [])
            {
                yield return problem;
            }
        }
    }

    private static IEnumerable<string> Schema(JsonElement schema)
    {
        foreach (var name in schema.UnknownMembers(SchemaMembers))
        {
            yield return $"Unknown name \"{name}\" in a schema: Cannot find field.";
        }

        if (schema.Get("type") is { ValueKind: not JsonValueKind.String })
        {
            yield return "a schema's type is not one string";
        }

        IEnumerable<JsonElement> inner =
        [
            .. schema.Get("properties") is { ValueKind: JsonValueKind.Object } properties ? properties.EnumerateObject().Select(member => member.Value) : [],
            .. schema.Get("items") is { } items ? [items] : Array.Empty<JsonElement>(),
            .. schema.Get("anyOf").Items(),
        ];
        foreach (var problem in inner.SelectMany(Schema))
        {
            yield return problem;
        }
    }
}
