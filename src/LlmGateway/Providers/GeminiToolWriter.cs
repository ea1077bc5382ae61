using System.Runtime.InteropServices;
using System.Text.Json;
using LlmGateway.Model;
using LlmGateway.Providers.Wire;

namespace LlmGateway.Providers;

/// <summary>
/// Writes <c>tools</c> and <c>toolConfig</c> from <c>tools</c> and <c>tool_choice</c>, or from the deprecated <c>functions</c> and
/// <c>function_call</c>. All functions stand in one entry of <c>tools</c>.
/// </summary>
internal sealed class GeminiToolWriter(Utf8JsonWriter writer, GeminiModel model)
{
    /// <summary>Whether the request has functions to call.</summary>
    public bool HasTools { get; private set; }

    public ProviderCall? Write(JsonElement root)
    {
        var isDeprecated = root.Find("tools"u8) is null;
        var member = isDeprecated ? "functions" : "tools";
        if (root.Find(isDeprecated ? "functions"u8 : "tools"u8) is not { } tools)
        {
            return null;
        }

        if (tools.ValueKind != JsonValueKind.Array)
        {
            return Invalid(member, "It must be an array.");
        }

        if (tools.GetArrayLength() == 0)
        {
            return null;
        }

        HasTools = true;
        writer.WriteStartArray("tools"u8);
        writer.WriteStartObject();
        writer.WriteStartArray("functionDeclarations"u8);
        var index = 0;
        foreach (var tool in tools.EnumerateArray())
        {
            if (WriteTool(tool, isDeprecated, $"{member}[{index++}]") is { } problem)
            {
                return problem;
            }
        }

        writer.WriteEndArray();
        writer.WriteEndObject();
        writer.WriteEndArray();
        return WriteChoice(root.Find(isDeprecated ? "function_call"u8 : "tool_choice"u8), isDeprecated ? "function_call" : "tool_choice");
    }

    private ProviderCall? WriteTool(JsonElement tool, bool isDeprecated, string path)
    {
        if (tool.ValueKind != JsonValueKind.Object)
        {
            return Invalid(path, "A tool must be an object.");
        }

        if (!isDeprecated && tool.FindText("type"u8) is not (null or "function"))
        {
            return ProviderCall.CannotCarry("tools other than functions", path);
        }

        var function = isDeprecated ? tool : tool.Find("function"u8);
        path = isDeprecated ? path : $"{path}.function";
        if (function is not { ValueKind: JsonValueKind.Object } called || called.FindText("name"u8) is not { Length: > 0 } name)
        {
            return Invalid($"{path}.name", "It must be a string.");
        }

        writer.WriteStartObject();
        writer.WriteString("name"u8, name);
        if (called.FindText("description"u8) is { } description)
        {
            writer.WriteString("description"u8, description);
        }

        if (called.Find("parameters"u8) is { } parameters)
        {
            if (parameters.ValueKind != JsonValueKind.Object)
            {
                return Invalid($"{path}.parameters", "It must be a JSON schema object.");
            }

            if (!IsEmptyObject(parameters) && !TryWriteSchema(parameters))
            {
                return Invalid($"{path}.parameters", "The schema must be of reasonable size with its $refs filled in.");
            }
        }

        writer.WriteEndObject();
        return null;
    }

    private bool TryWriteSchema(JsonElement schema)
    {
        if (!model.TakesJsonSchema)
        {
            writer.WritePropertyName("parameters"u8);
            return GeminiSchema.TryWrite(writer, schema);
        }

        writer.WritePropertyName("parametersJsonSchema"u8);
        writer.WriteRawValue(JsonMarshal.GetRawUtf8Value(schema), skipInputValidation: true);
        return true;
    }

    /// <summary>An object without properties is refused: a function without parameters has no schema.</summary>
    private static bool IsEmptyObject(JsonElement schema) =>
        schema.Find("type"u8) is null or { ValueKind: JsonValueKind.String }
        && schema.FindText("type"u8) is null or "object"
        && schema.Find("properties"u8) is null or { ValueKind: JsonValueKind.Object }
        && schema.Find("properties"u8)?.EnumerateObject().Any() != true
        && schema.Find("$ref"u8) is null && schema.Find("anyOf"u8) is null && schema.Find("oneOf"u8) is null && schema.Find("allOf"u8) is null;

    private ProviderCall? WriteChoice(JsonElement? choice, string member)
    {
        switch (choice?.ValueKind)
        {
            case null:
                return null;
            case JsonValueKind.String:
                var mode = choice.Value.GetString() switch
                {
                    "auto" => "AUTO",
                    "none" => "NONE",
                    "required" => "ANY",
                    _ => null,
                };
                if (mode is null)
                {
                    return Invalid(member, "It must be none, auto or required, or name a tool.");
                }

                WriteConfig(mode, null);
                return null;
            case JsonValueKind.Object:
                break;
            default:
                return Invalid(member, "It must be a string or an object.");
        }

        if (choice.Value.Find("allowed_tools"u8) is { ValueKind: JsonValueKind.Object } list && list.Find("tools"u8) is { ValueKind: JsonValueKind.Array } tools)
        {
            // VALIDATED leaves the choice between a text and one of these; AUTO takes no names.
            WriteConfig(list.FindText("mode"u8) == "required" ? "ANY" : "VALIDATED", [.. tools.EnumerateArray().Select(NameOf).OfType<string>()]);
            return null;
        }

        if (NameOf(choice.Value) is not { Length: > 0 } name)
        {
            return choice.Value.FindText("type"u8) == "custom" ? ProviderCall.CannotCarry("custom tools", member) : Invalid($"{member}.function.name", "It must be a string.");
        }

        WriteConfig("ANY", [name]);
        return null;
    }

    private void WriteConfig(string mode, List<string>? names)
    {
        writer.WriteStartObject("toolConfig"u8);
        writer.WriteStartObject("functionCallingConfig"u8);
        writer.WriteString("mode"u8, mode);
        if (names is { Count: > 0 })
        {
            writer.WriteStartArray("allowedFunctionNames"u8);
            names.ForEach(writer.WriteStringValue);
            writer.WriteEndArray();
        }

        writer.WriteEndObject();
        writer.WriteEndObject();
    }

    /// <summary>The name in <c>{"function":{"name"}}</c>, or in the deprecated <c>{"name"}</c>.</summary>
    private static string? NameOf(JsonElement choice) => choice.ValueKind != JsonValueKind.Object ? null
        : choice.Find("function"u8) is { ValueKind: JsonValueKind.Object } function ? function.FindText("name"u8)
        : choice.FindText("name"u8);

    private static ProviderCall Invalid(string param, string message) => ProviderCall.Refuse(GatewayError.InvalidMember(param, message));
}
