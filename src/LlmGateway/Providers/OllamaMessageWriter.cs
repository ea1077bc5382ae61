using System.Runtime.InteropServices;
using System.Text.Json;
using LlmGateway.Model;
using LlmGateway.Providers.Wire;

namespace LlmGateway.Providers;

/// <summary>Writes <c>messages</c>: one of Ollama's for each of OpenAI's, the profile's system prompt before them.</summary>
internal sealed class OllamaMessageWriter(Utf8JsonWriter writer)
{
    /// <summary>Names of the tools called so far, by call id: a tool's result names the id alone. The last call of an id wins.</summary>
    private readonly Dictionary<string, string> _toolNames = new(StringComparer.Ordinal);

    public ProviderCall? Write(JsonElement root, string? systemPrompt)
    {
        if (root.Find("messages"u8) is not { ValueKind: JsonValueKind.Array } messages || messages.GetArrayLength() == 0)
        {
            // An empty list would only load the model.
            return Invalid("messages", "It must be an array with at least one message.");
        }

        writer.WriteStartArray("messages"u8);
        if (!string.IsNullOrEmpty(systemPrompt))
        {
            writer.WriteStartObject();
            writer.WriteString("role"u8, "system"u8);
            writer.WriteString("content"u8, systemPrompt);
            writer.WriteEndObject();
        }

        var index = 0;
        foreach (var message in messages.EnumerateArray())
        {
            if (WriteMessage(message, $"messages[{index++}]") is { } problem)
            {
                return problem;
            }
        }

        writer.WriteEndArray();
        return null;
    }

    private ProviderCall? WriteMessage(JsonElement message, string path)
    {
        if (message.ValueKind != JsonValueKind.Object)
        {
            return Invalid(path, "A message must be an object.");
        }

        var role = message.FindText("role"u8) switch
        {
            "developer" or "system" => "system",
            "function" or "tool" => "tool",
            "user" => "user",
            "assistant" => "assistant",
            _ => null,
        };
        if (role is null)
        {
            return Invalid($"{path}.role", "It must be developer, system, user, assistant, tool or function.");
        }

        writer.WriteStartObject();
        writer.WriteString("role"u8, role);
        var problem = OllamaContentWriter.Write(writer, message, path);
        if (problem is null && role == "assistant")
        {
            WriteThinking(message);
            problem = WriteToolCalls(message, path);
        }
        else if (role == "tool")
        {
            WriteToolResult(message);
        }

        writer.WriteEndObject();
        return problem;
    }

    /// <summary>Reasoning of an earlier turn, under either name that it has on OpenAI-like wires.</summary>
    private void WriteThinking(JsonElement message)
    {
        if ((message.FindText("reasoning_content"u8) ?? message.FindText("reasoning"u8)) is { Length: > 0 } thinking)
        {
            writer.WriteString("thinking"u8, thinking);
        }
    }

    private ProviderCall? WriteToolCalls(JsonElement message, string path)
    {
        if (message.Find("function_call"u8) is { ValueKind: JsonValueKind.Object } deprecated)
        {
            writer.WriteStartArray("tool_calls"u8);
            var problem = WriteToolCall(null, deprecated, 0, $"{path}.function_call");
            writer.WriteEndArray();
            return problem;
        }

        if (message.Find("tool_calls"u8) is not { } calls)
        {
            return null;
        }

        if (calls.ValueKind != JsonValueKind.Array)
        {
            return Invalid($"{path}.tool_calls", "It must be an array.");
        }

        writer.WriteStartArray("tool_calls"u8);
        var index = 0;
        foreach (var call in calls.EnumerateArray())
        {
            var place = $"{path}.tool_calls[{index}]";
            if (call.ValueKind != JsonValueKind.Object)
            {
                return Invalid(place, "A tool call must be an object.");
            }

            if (call.FindText("type"u8) == "custom")
            {
                return ProviderCall.CannotCarry("custom tools", place);
            }

            if (call.Find("function"u8) is not { ValueKind: JsonValueKind.Object } function)
            {
                return Invalid($"{place}.function", "It must be an object.");
            }

            if (WriteToolCall(call.FindText("id"u8), function, index++, $"{place}.function") is { } problem)
            {
                return problem;
            }
        }

        writer.WriteEndArray();
        return null;
    }

    private ProviderCall? WriteToolCall(string? id, JsonElement function, int index, string path)
    {
        if (function.FindText("name"u8) is not { Length: > 0 } name)
        {
            return Invalid($"{path}.name", "It must be a string.");
        }

        writer.WriteStartObject();
        if (!string.IsNullOrEmpty(id))
        {
            _toolNames[id] = name;
            writer.WriteString("id"u8, id);
        }

        writer.WriteStartObject("function"u8);
        writer.WriteNumber("index"u8, index);
        writer.WriteString("name"u8, name);
        writer.WritePropertyName("arguments"u8);
        if (!TryWriteArguments(function.Find("arguments"u8)))
        {
            return Invalid($"{path}.arguments", "It must be a JSON object, written as a string.");
        }

        writer.WriteEndObject();
        writer.WriteEndObject();
        return null;
    }

    private bool TryWriteArguments(JsonElement? arguments)
    {
        switch (arguments?.ValueKind)
        {
            case null:
                WriteEmptyObject();
                return true;
            case JsonValueKind.Object:
                writer.WriteRawValue(JsonMarshal.GetRawUtf8Value(arguments.Value), skipInputValidation: true);
                return true;
            case JsonValueKind.String when string.IsNullOrWhiteSpace(arguments.Value.GetString()):
                WriteEmptyObject();
                return true;
            case JsonValueKind.String:
                return JsonObjectText.TryWrite(writer, arguments.Value.GetString()!);
            default:
                return false;
        }
    }

    private void WriteToolResult(JsonElement message)
    {
        var id = message.FindText("tool_call_id"u8);
        var name = id is not null && _toolNames.TryGetValue(id, out var called) ? called : message.FindText("name"u8);
        if (!string.IsNullOrEmpty(name))
        {
            writer.WriteString("tool_name"u8, name);
        }

        if (!string.IsNullOrEmpty(id))
        {
            writer.WriteString("tool_call_id"u8, id);
        }
    }

    private void WriteEmptyObject()
    {
        writer.WriteStartObject();
        writer.WriteEndObject();
    }

    private static ProviderCall Invalid(string param, string message) => ProviderCall.Refuse(GatewayError.InvalidMember(param, message));
}
