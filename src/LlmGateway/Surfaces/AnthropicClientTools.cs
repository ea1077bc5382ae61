using System.Text.Json;
using LlmGateway.Providers.Wire;

namespace LlmGateway.Surfaces;

/// <summary>Turns Anthropic's tools into functions. A tool with a type of its own runs at Anthropic, or is a client tool that only its models know.</summary>
internal static class AnthropicClientTools
{
    public static void Read(JsonElement root, ClientRequestReader request)
    {
        if (root.Find("tools"u8) is { } tools)
        {
            ReadTools(tools, request);
        }

        if (root.Find("tool_choice"u8) is { } choice)
        {
            ReadChoice(choice, request);
        }
    }

    private static void ReadTools(JsonElement tools, ClientRequestReader request)
    {
        if (tools.ValueKind != JsonValueKind.Array)
        {
            request.Fail("tools", "it must be an array.");
            return;
        }

        if (tools.GetArrayLength() == 0)
        {
            return;
        }

        request.Writer.WriteStartArray("tools"u8);
        var index = 0;
        foreach (var tool in tools.EnumerateArray())
        {
            ReadTool(tool, ClientRequestReader.At("tools", index++), request);
        }

        request.Writer.WriteEndArray();
    }

    private static void ReadTool(JsonElement tool, string path, ClientRequestReader request)
    {
        if (tool.ValueKind != JsonValueKind.Object)
        {
            request.Fail(path, "it must be an object.");
            return;
        }

        if (tool.FindText("type"u8) is { } type && type != "custom")
        {
            request.NeedsNative($"the tool type '{(type.Length <= 64 ? type : type[..64])}'");
            return;
        }

        if (tool.FindText("name"u8) is not { Length: > 0 } name)
        {
            request.FailMissing($"{path}.name");
            return;
        }

        var writer = request.Writer;
        writer.WriteStartObject();
        writer.WriteString("type"u8, "function"u8);
        writer.WriteStartObject("function"u8);
        writer.WriteString("name"u8, name);
        if (tool.FindText("description"u8) is { } description)
        {
            writer.WriteString("description"u8, description);
        }

        if (tool.Find("input_schema"u8) is { ValueKind: JsonValueKind.Object } schema)
        {
            request.WriteRaw("parameters", schema);
        }
        else
        {
            request.FailMissing($"{path}.input_schema");
        }

        if (tool.Find("strict"u8) is { ValueKind: JsonValueKind.True } strict)
        {
            request.WriteRaw("strict", strict);
        }

        writer.WriteEndObject();
        writer.WriteEndObject();
    }

    private static void ReadChoice(JsonElement choice, ClientRequestReader request)
    {
        var writer = request.Writer;
        var type = choice.ValueKind == JsonValueKind.Object ? choice.FindText("type"u8) : null;
        switch (type)
        {
            case "auto" or "none":
                writer.WriteString("tool_choice"u8, type);
                break;
            case "any":
                writer.WriteString("tool_choice"u8, "required"u8);
                break;
            case "tool" when choice.FindText("name"u8) is { } name:
                writer.WriteStartObject("tool_choice"u8);
                writer.WriteString("type"u8, "function"u8);
                writer.WriteStartObject("function"u8);
                writer.WriteString("name"u8, name);
                writer.WriteEndObject();
                writer.WriteEndObject();
                break;
            case "tool":
                request.FailMissing("tool_choice.name");
                break;
            default:
                request.Fail("tool_choice.type", "it must be auto, any, tool or none.");
                break;
        }

        if (choice.ValueKind == JsonValueKind.Object && choice.Find("disable_parallel_tool_use"u8) is { ValueKind: JsonValueKind.True } && type != "none")
        {
            writer.WriteBoolean("parallel_tool_calls"u8, false);
        }
    }
}
