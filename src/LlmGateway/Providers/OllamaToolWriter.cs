using System.Text.Json;
using LlmGateway.Model;
using LlmGateway.Providers.Wire;

namespace LlmGateway.Providers;

/// <summary>Writes <c>tools</c> from <c>tools</c> and <c>tool_choice</c>, or from the deprecated <c>functions</c> and <c>function_call</c>.</summary>
internal sealed class OllamaToolWriter(Utf8JsonWriter writer)
{
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

        var allowed = ReadChoice(root.Find(isDeprecated ? "function_call"u8 : "tool_choice"u8));
        if (tools.GetArrayLength() == 0 || allowed is { Count: 0 })
        {
            return null;
        }

        writer.WriteStartArray("tools"u8);
        var index = 0;
        foreach (var tool in tools.EnumerateArray())
        {
            var path = $"{member}[{index++}]";
            if (WriteTool(tool, isDeprecated, allowed, path) is { } problem)
            {
                return problem;
            }
        }

        writer.WriteEndArray();
        return null;
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

        var function = isDeprecated ? tool : tool.Find("function"u8);
        path = isDeprecated ? path : $"{path}.function";
        if (function is not { ValueKind: JsonValueKind.Object } called || called.FindText("name"u8) is not { Length: > 0 } name)
        {
            return Invalid($"{path}.name", "It must be a string.");
        }

        if (allowed is not null && !allowed.Contains(name))
        {
            return null;
        }

        writer.WriteStartObject();
        writer.WriteString("type"u8, "function"u8);
        writer.WriteStartObject("function"u8);
        writer.WriteString("name"u8, name);
        if (called.FindText("description"u8) is { } description)
        {
            writer.WriteString("description"u8, description);
        }

        writer.WritePropertyName("parameters"u8);
        if (!OllamaToolSchema.TryWrite(writer, called.Find("parameters"u8)))
        {
            return Invalid($"{path}.parameters", "The schema must be an object, and of reasonable size with its $refs filled in.");
        }

        writer.WriteEndObject();
        writer.WriteEndObject();
        return null;
    }

    /// <summary>Names of the tools that may be called; none where the client wants no call, null where it leaves all of them.</summary>
    private static HashSet<string>? ReadChoice(JsonElement? choice)
    {
        if (choice is not { } told)
        {
            return null;
        }

        if (told.ValueKind == JsonValueKind.String)
        {
            return told.ValueEquals("none"u8) ? [] : null;
        }

        if (told.ValueKind != JsonValueKind.Object)
        {
            return null;
        }

        // Ollama cannot be made to call a tool, but it cannot call one that it does not see.
        if (told.Find("allowed_tools"u8) is { ValueKind: JsonValueKind.Object } list && list.Find("tools"u8) is { ValueKind: JsonValueKind.Array } names)
        {
            return [.. names.EnumerateArray().Select(NameOf).OfType<string>()];
        }

        return NameOf(told) is { } name ? [name] : null;
    }

    /// <summary>The name in <c>{"function":{"name"}}</c>, or in the deprecated <c>{"name"}</c>.</summary>
    private static string? NameOf(JsonElement choice) => choice.ValueKind != JsonValueKind.Object ? null
        : choice.Find("function"u8) is { ValueKind: JsonValueKind.Object } function ? function.FindText("name"u8)
        : choice.FindText("name"u8);

    private static ProviderCall Invalid(string param, string message) => ProviderCall.Refuse(GatewayError.InvalidMember(param, message));
}
