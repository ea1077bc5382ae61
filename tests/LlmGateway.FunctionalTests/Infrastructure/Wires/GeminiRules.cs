using System.Text.Json;

namespace LlmGateway.FunctionalTests.Infrastructure;

/// <summary>The demands of Google's Gemini API, v1beta.</summary>
internal sealed class GeminiRules : IWireRules
{
    private static readonly string[] Members =
        ["contents", "systemInstruction", "tools", "toolConfig", "generationConfig", "safetySettings", "cachedContent"];

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
        if (request.Target.Contains("key=", StringComparison.Ordinal))
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

        return request.Path.EndsWith(":generateContent", StringComparison.Ordinal) || request.Path.EndsWith(":streamGenerateContent", StringComparison.Ordinal)
            ? Top(request, body).Concat(Contents(body)).Concat(Tools(body))
            : [];
    }

    private static IEnumerable<string> Top(RecordedRequest request, JsonElement body)
    {
        if (request.Path.EndsWith(":streamGenerateContent", StringComparison.Ordinal) && !request.Target.EndsWith("?alt=sse", StringComparison.Ordinal))
        {
            yield return "a stream without alt=sse is one growing array";
        }

        foreach (var name in body.UnknownMembers(Members))
        {
            yield return $"Invalid JSON payload received. Unknown name \"{name}\": Cannot find field.";
        }

        if (body.Get("generationConfig") is { } config)
        {
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
        foreach (var content in body.Get("contents").Items())
        {
            if (content.Get("role")?.ToString() is not ("user" or "model"))
            {
                yield return "Please use a valid role: user, model.";
            }

            if (!content.Get("parts").Items().Any())
            {
                yield return "contents.parts must not be empty";
            }

            var results = content.Get("parts").Items().Select(part => part.Get("functionResponse")).OfType<JsonElement>().ToList();
            if (results.Any(result => !result.Get("name").IsText() || !result.Get("response").Is(JsonValueKind.Object)))
            {
                yield return "functionResponse needs a name and a response object";
            }

            if (calls > 0 && results.Count != calls)
            {
                yield return "the number of function response parts is not the number of function call parts";
            }

            calls = content.Get("parts").Items().Count(part => part.Get("functionCall") is not null);
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
