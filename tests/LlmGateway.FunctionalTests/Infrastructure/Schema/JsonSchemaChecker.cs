using System.Text.Json;

namespace LlmGateway.FunctionalTests.Infrastructure;

/// <summary>
/// Checks a document against the part of JSON Schema that OpenAI's description uses. A keyword it does not know is an error, not a pass.
/// </summary>
internal sealed class JsonSchemaChecker(JsonElement root)
{
    private static readonly HashSet<string> Annotations = new(StringComparer.Ordinal) { "description", "title", "default", "example", "examples", "deprecated", "format" };

    /// <summary>What is wrong with the value, each with its path; nothing if it is valid.</summary>
    public IReadOnlyList<string> Check(string schemaName, JsonElement value)
    {
        var faults = new List<string>();
        Check(Resolve("#/components/schemas/" + schemaName), value, "$", faults);
        return faults;
    }

    private void Check(JsonElement schema, JsonElement value, string path, List<string> faults)
    {
        if (schema.ValueKind is JsonValueKind.True or JsonValueKind.False)
        {
            Expect(schema.ValueKind == JsonValueKind.True, path, "is not allowed here", faults);
            return;
        }

        foreach (var keyword in schema.EnumerateObject())
        {
            CheckKeyword(schema, keyword.Name, keyword.Value, value, path, faults);
        }
    }

    private void CheckKeyword(JsonElement schema, string keyword, JsonElement rule, JsonElement value, string path, List<string> faults)
    {
        switch (keyword)
        {
            case "$ref":
                Check(Resolve(rule.GetString()!), value, path, faults);
                break;
            case "type":
                var types = rule.ValueKind == JsonValueKind.Array ? rule.EnumerateArray().Select(type => type.GetString()!).ToList() : [rule.GetString()!];
                Expect(types.Exists(type => HasType(value, type)) || (IsNullable(schema) && value.ValueKind == JsonValueKind.Null), path, $"is {value.ValueKind}, not {string.Join(" or ", types)}", faults);
                break;
            case "nullable":
                break;
            case "enum":
                Expect(rule.EnumerateArray().Any(allowed => JsonElement.DeepEquals(allowed, value)), path, $"is {value.GetRawText()}, not one of {rule.GetRawText()}", faults);
                break;
            case "const":
                Expect(JsonElement.DeepEquals(rule, value), path, $"is not {rule.GetRawText()}", faults);
                break;
            case "allOf":
                foreach (var part in rule.EnumerateArray())
                {
                    Check(part, value, path, faults);
                }

                break;
            case "anyOf":
                CheckChoices(rule, value, path, faults, isExclusive: false);
                break;
            case "oneOf":
                CheckChoices(rule, value, path, faults, isExclusive: true);
                break;
            case "properties" or "required" or "additionalProperties" or "minProperties" or "maxProperties" when value.ValueKind == JsonValueKind.Object:
                CheckObject(schema, keyword, rule, value, path, faults);
                break;
            case "items" or "minItems" or "maxItems" when value.ValueKind == JsonValueKind.Array:
                CheckArray(keyword, rule, value, path, faults);
                break;
            case "minimum" or "maximum" or "exclusiveMinimum" or "exclusiveMaximum" when value.ValueKind == JsonValueKind.Number:
                CheckNumber(keyword, rule.GetDouble(), value.GetDouble(), path, faults);
                break;
            case "minLength" when value.ValueKind == JsonValueKind.String:
                Expect(value.GetString()!.Length >= rule.GetInt32(), path, "is too short", faults);
                break;
            case "maxLength" when value.ValueKind == JsonValueKind.String:
                Expect(value.GetString()!.Length <= rule.GetInt32(), path, "is too long", faults);
                break;
            case "properties" or "required" or "additionalProperties" or "minProperties" or "maxProperties" or "items" or "minItems" or "maxItems"
                or "minimum" or "maximum" or "exclusiveMinimum" or "exclusiveMaximum" or "minLength" or "maxLength":
                break;
            default:
                if (!Annotations.Contains(keyword))
                {
                    throw new NotSupportedException($"Schema keyword '{keyword}' is not checked yet.");
                }

                break;
        }
    }

    private void CheckChoices(JsonElement choices, JsonElement value, string path, List<string> faults, bool isExclusive)
    {
        var results = choices.EnumerateArray().Select(choice =>
        {
            var inner = new List<string>();
            Check(choice, value, path, inner);
            return inner;
        }).ToList();
        var matches = results.Count(inner => inner.Count == 0);
        if (matches == 0)
        {
            faults.Add($"{path} fits none of {results.Count} choices: {string.Join(" | ", results.Select(inner => inner[0]))}");
        }
        else if (isExclusive && matches > 1)
        {
            faults.Add($"{path} fits {matches} choices, not one");
        }
    }

    private void CheckObject(JsonElement schema, string keyword, JsonElement rule, JsonElement value, string path, List<string> faults)
    {
        switch (keyword)
        {
            case "properties":
                foreach (var property in rule.EnumerateObject())
                {
                    if (value.TryGetProperty(property.Name, out var member))
                    {
                        Check(property.Value, member, $"{path}.{property.Name}", faults);
                    }
                }

                break;
            case "required":
                foreach (var name in rule.EnumerateArray().Select(name => name.GetString()!))
                {
                    Expect(value.TryGetProperty(name, out _), $"{path}.{name}", "is missing", faults);
                }

                break;
            case "additionalProperties":
                foreach (var member in value.EnumerateObject().Where(member => !(schema.TryGetProperty("properties", out var known) && known.TryGetProperty(member.Name, out _))))
                {
                    Check(rule, member.Value, $"{path}.{member.Name}", faults);
                }

                break;
            case "minProperties":
                Expect(value.GetPropertyCount() >= rule.GetInt32(), path, "has too few members", faults);
                break;
            default:
                Expect(value.GetPropertyCount() <= rule.GetInt32(), path, "has too many members", faults);
                break;
        }
    }

    private void CheckArray(string keyword, JsonElement rule, JsonElement value, string path, List<string> faults)
    {
        switch (keyword)
        {
            case "items":
                foreach (var (index, item) in value.EnumerateArray().Index())
                {
                    Check(rule, item, $"{path}[{index}]", faults);
                }

                break;
            case "minItems":
                Expect(value.GetArrayLength() >= rule.GetInt32(), path, "has too few items", faults);
                break;
            default:
                Expect(value.GetArrayLength() <= rule.GetInt32(), path, "has too many items", faults);
                break;
        }
    }

    private static void CheckNumber(string keyword, double limit, double number, string path, List<string> faults)
    {
        var isFine = keyword switch
        {
            "minimum" => number >= limit,
            "maximum" => number <= limit,
            "exclusiveMinimum" => number > limit,
            _ => number < limit,
        };
        Expect(isFine, path, $"is {number}, against {keyword} {limit}", faults);
    }

    private static bool HasType(JsonElement value, string type) => type switch
    {
        "null" => value.ValueKind == JsonValueKind.Null,
        "boolean" => value.ValueKind is JsonValueKind.True or JsonValueKind.False,
        "string" => value.ValueKind == JsonValueKind.String,
        "number" => value.ValueKind == JsonValueKind.Number,
        "integer" => value.ValueKind == JsonValueKind.Number && value.TryGetDecimal(out var number) && number == decimal.Truncate(number),
        "array" => value.ValueKind == JsonValueKind.Array,
        "object" => value.ValueKind == JsonValueKind.Object,
        _ => throw new NotSupportedException($"Type '{type}'."),
    };

    private static bool IsNullable(JsonElement schema) => schema.TryGetProperty("nullable", out var nullable) && nullable.GetBoolean();

    private JsonElement Resolve(string reference)
    {
        var found = root;
        foreach (var part in reference.Split('/').Skip(1))
        {
            found = found.GetProperty(part);
        }

        return found;
    }

    private static void Expect(bool isFine, string path, string fault, List<string> faults)
    {
        if (!isFine)
        {
            faults.Add($"{path} {fault}");
        }
    }
}
