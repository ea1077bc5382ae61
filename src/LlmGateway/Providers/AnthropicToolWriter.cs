using System.Runtime.InteropServices;
using System.Text.Json;
using LlmGateway.Model;
using LlmGateway.Providers.Wire;

namespace LlmGateway.Providers;

/// <summary>Writes <c>tools</c> and <c>tool_choice</c>, from OpenAI's members of these names or from the deprecated <c>functions</c> and <c>function_call</c>.</summary>
internal sealed class AnthropicToolWriter(Utf8JsonWriter writer)
{
    private readonly HashSet<string> _names = new(StringComparer.Ordinal);

    /// <summary>Whether the model is made to call a tool: it cannot think then.</summary>
    public bool ForcesCall { get; private set; }

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

        var choice = root.Find(isDeprecated ? "function_call"u8 : "tool_choice"u8);
        var allowed = AllowedNames(choice);
        var index = 0;
        foreach (var tool in tools.EnumerateArray())
        {
            if (WriteTool(tool, isDeprecated, allowed, $"{member}[{index++}]") is { } problem)
            {
                return problem;
            }
        }

        if (_names.Count == 0)
        {
            // Without tools the provider refuses a choice among them.
            return null;
        }

        writer.WriteEndArray();
        return WriteChoice(choice, isDeprecated ? "function_call" : "tool_choice", isDeprecated || root.Find("parallel_tool_calls"u8) is { ValueKind: JsonValueKind.False });
    }

    private ProviderCall? WriteTool(JsonElement tool, bool isDeprecated, HashSet<string>? allowed, string path)
    {
        if (tool.ValueKind != JsonValueKind.Object)
        {
            return Invalid(path, "A tool must be an object.");
        }

        if (!isDeprecated && tool.FindText("type"u8) is not (null or "function"))
        {
            return ProviderCall.CannotCarry("tools other than functions", path);
        }

        var place = isDeprecated ? path : $"{path}.function";
        if ((isDeprecated ? tool : tool.Find("function"u8)) is not { ValueKind: JsonValueKind.Object } function || function.FindText("name"u8) is not { Length: > 0 } name)
        {
            return Invalid($"{place}.name", "It must be a string.");
        }

        var schema = function.Find("parameters"u8);
        if (schema is { ValueKind: not JsonValueKind.Object })
        {
            return Invalid($"{place}.parameters", "The schema must be an object.");
        }

        if (allowed is not null && !allowed.Contains(name))
        {
            return null;
        }

        if (!_names.Add(name))
        {
            return Invalid($"{place}.name", "Two tools have this name.");
        }

        if (_names.Count == 1)
        {
            writer.WriteStartArray("tools"u8);
        }

        writer.WriteStartObject();
        writer.WriteString("name"u8, name);
        if (function.FindText("description"u8) is { Length: > 0 } description)
        {
            writer.WriteString("description"u8, description);
        }

        WriteSchema(schema);
        if (function.Find("strict"u8) is { ValueKind: JsonValueKind.True })
        {
            writer.WriteBoolean("strict"u8, true);
        }

        if ((tool.Find("cache_control"u8) ?? function.Find("cache_control"u8)) is { ValueKind: JsonValueKind.Object } breakpoint)
        {
            writer.WritePropertyName("cache_control"u8);
            WriteRaw(breakpoint);
        }

        writer.WriteEndObject();
        return null;
    }

    /// <summary>The whole schema as the client wrote it; only its root must say that it is an object.</summary>
    private void WriteSchema(JsonElement? schema)
    {
        writer.WritePropertyName("input_schema"u8);
        if (schema is { } whole && whole.FindText("type"u8) == "object")
        {
            WriteRaw(whole);
            return;
        }

        writer.WriteStartObject();
        writer.WriteString("type"u8, "object"u8);
        if (schema is null)
        {
            writer.WriteStartObject("properties"u8);
            writer.WriteEndObject();
        }
        else
        {
            foreach (var member in schema.Value.EnumerateObject().Where(member => !member.NameEquals("type"u8)))
            {
                writer.WritePropertyName(member.Name);
                WriteRaw(member.Value);
            }
        }

        writer.WriteEndObject();
    }

    private ProviderCall? WriteChoice(JsonElement? choice, string member, bool oneAtATime)
    {
        if (ReadChoice(choice) is not { } told)
        {
            return Invalid(member, "It must be none, auto, required, or name a function.");
        }

        var (type, name) = told;
        if (name is not null && !_names.Contains(name))
        {
            return Invalid(member, "It names a tool that is not among the tools.");
        }

        ForcesCall = type is "any" or "tool";
        if (type == "none")
        {
            oneAtATime = false;
        }

        if (choice is null && !oneAtATime)
        {
            return null;
        }

        writer.WriteStartObject("tool_choice"u8);
        writer.WriteString("type"u8, type);
        if (name is not null)
        {
            writer.WriteString("name"u8, name);
        }

        if (oneAtATime)
        {
            writer.WriteBoolean("disable_parallel_tool_use"u8, true);
        }

        writer.WriteEndObject();
        return null;
    }

    /// <summary>Anthropic's type of choice, and the tool's name where one is named; null where it is none that is known.</summary>
    private static (string Type, string? Name)? ReadChoice(JsonElement? choice)
    {
        switch (choice?.ValueKind)
        {
            case null:
                return ("auto", null);
            case JsonValueKind.String:
                return OfMode(choice.Value.GetString());
            case JsonValueKind.Object when choice.Value.Find("allowed_tools"u8) is { ValueKind: JsonValueKind.Object } list:
                return OfMode(list.FindText("mode"u8) ?? "auto");
            case JsonValueKind.Object when NameOf(choice.Value) is { } name:
                return ("tool", name);
            default:
                return null;
        }
    }

    private static (string Type, string? Name)? OfMode(string? mode) => mode switch
    {
        "auto" => ("auto", null),
        "required" => ("any", null),
        "none" => ("none", null),
        _ => null,
    };

    private static HashSet<string>? AllowedNames(JsonElement? choice) =>
        choice is { ValueKind: JsonValueKind.Object } told
        && told.Find("allowed_tools"u8) is { ValueKind: JsonValueKind.Object } list
        && list.Find("tools"u8) is { ValueKind: JsonValueKind.Array } tools
            ? [.. tools.EnumerateArray().Select(NameOf).OfType<string>()]
            : null;

    /// <summary>The name in <c>{"function":{"name"}}</c>, or in the deprecated <c>{"name"}</c>.</summary>
    private static string? NameOf(JsonElement choice) => choice.ValueKind != JsonValueKind.Object ? null
        : choice.Find("function"u8) is { ValueKind: JsonValueKind.Object } function ? function.FindText("name"u8)
        : choice.FindText("name"u8);

    private void WriteRaw(JsonElement value) => writer.WriteRawValue(JsonMarshal.GetRawUtf8Value(value), skipInputValidation: true);

    private static ProviderCall Invalid(string param, string message) => ProviderCall.Refuse(GatewayError.InvalidMember(param, message));
}
