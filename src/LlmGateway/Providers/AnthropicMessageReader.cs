using System.Text.Json;
using LlmGateway.Model;
using LlmGateway.Providers.Wire;

namespace LlmGateway.Providers;

/// <summary>Reads OpenAI's <c>messages</c> into a conversation.</summary>
/// <param name="conversation">Where they go.</param>
/// <param name="findThinking">Signed thinking that stood before a tool call, by the call's id; null where nobody remembers.</param>
internal sealed class AnthropicMessageReader(AnthropicConversation conversation, Func<string, ReadOnlyMemory<byte>?> findThinking)
{
    /// <summary>The deprecated pair of <c>function_call</c> and role <c>function</c> has no ids: the place of the call makes one.</summary>
    private string _functionCallId = "";

    public ProviderCall? Read(JsonElement root)
    {
        if (root.Find("messages"u8) is not { ValueKind: JsonValueKind.Array } messages)
        {
            return Invalid("messages", "It must be an array with at least one message.");
        }

        var index = 0;
        foreach (var message in messages.EnumerateArray())
        {
            if (ReadMessage(message, index, $"messages[{index}]") is { } problem)
            {
                return problem;
            }

            index++;
        }

        conversation.End();
        return conversation.IsEmpty ? Invalid("messages", "No message says anything.") : null;
    }

    private ProviderCall? ReadMessage(JsonElement message, int index, string path)
    {
        if (message.ValueKind != JsonValueKind.Object)
        {
            return Invalid(path, "A message must be an object.");
        }

        return message.FindText("role"u8) switch
        {
            "system" or "developer" => AnthropicContentReader.Read(message, path, allowsMedia: false, conversation.System),
            "user" => ReadUser(message, path),
            "assistant" => ReadAssistant(message, index, path),
            "tool" => ReadResult(message, message.FindText("tool_call_id"u8), path),
            "function" => ReadResult(message, _functionCallId, path),
            _ => Invalid($"{path}.role", "It must be developer, system, user, assistant, tool or function."),
        };
    }

    private ProviderCall? ReadUser(JsonElement message, string path)
    {
        var blocks = new List<AnthropicBlock>();
        var problem = AnthropicContentReader.Read(message, path, allowsMedia: true, blocks);
        blocks.ForEach(block => conversation.Add(isUser: true, block));
        return problem;
    }

    private ProviderCall? ReadAssistant(JsonElement message, int index, string path)
    {
        var blocks = new List<AnthropicBlock>();
        var calls = new List<Call>();
        if ((AnthropicContentReader.Read(message, path, allowsMedia: false, blocks) ?? ReadCalls(message, index, path, calls)) is { } problem)
        {
            return problem;
        }

        // The order in which the model spoke: thought, text, call, and whatever it thought between two calls.
        for (var i = 0; i < calls.Count; i++)
        {
            var thinking = findThinking(calls[i].Id);
            if (thinking is { IsEmpty: false } raw)
            {
                conversation.Add(isUser: false, AnthropicBlock.OfThinking(raw));
            }
            else if (thinking is null && i == 0)
            {
                conversation.NoteLostThinking();
            }

            AddAll(blocks);
            conversation.AddToolUse(calls[i].Id, calls[i].Name, calls[i].Input, calls[i].CacheControl);
        }

        AddAll(blocks);
        return null;
    }

    private void AddAll(List<AnthropicBlock> blocks)
    {
        blocks.ForEach(block => conversation.Add(isUser: false, block));
        blocks.Clear();
    }

    private ProviderCall? ReadCalls(JsonElement message, int index, string path, List<Call> calls)
    {
        if (message.Find("function_call"u8) is { ValueKind: JsonValueKind.Object } deprecated)
        {
            _functionCallId = $"function_{index}";
            return ReadFunction(deprecated, _functionCallId, null, $"{path}.function_call", calls);
        }

        if (message.Find("tool_calls"u8) is not { } list)
        {
            return null;
        }

        if (list.ValueKind != JsonValueKind.Array)
        {
            return Invalid($"{path}.tool_calls", "It must be an array.");
        }

        var number = 0;
        foreach (var call in list.EnumerateArray())
        {
            if (ReadCall(call, $"{path}.tool_calls[{number++}]", calls) is { } problem)
            {
                return problem;
            }
        }

        return null;
    }

    private static ProviderCall? ReadCall(JsonElement call, string path, List<Call> calls)
    {
        if (call.ValueKind != JsonValueKind.Object)
        {
            return Invalid(path, "A tool call must be an object.");
        }

        if (call.FindText("type"u8) == "custom")
        {
            return ProviderCall.CannotCarry("custom tools", path);
        }

        if (call.FindText("id"u8) is not { Length: > 0 } id)
        {
            return Invalid($"{path}.id", "It must be a string.");
        }

        return call.Find("function"u8) is { ValueKind: JsonValueKind.Object } function
            ? ReadFunction(function, id, call.Find("cache_control"u8), $"{path}.function", calls)
            : Invalid($"{path}.function", "It must be an object.");
    }

    private static ProviderCall? ReadFunction(JsonElement function, string id, JsonElement? cacheControl, string path, List<Call> calls)
    {
        if (function.FindText("name"u8) is not { Length: > 0 } name)
        {
            return Invalid($"{path}.name", "It must be a string.");
        }

        if (ReadInput(function.Find("arguments"u8)) is not { } input)
        {
            return Invalid($"{path}.arguments", "It must be a JSON object, written as a string.");
        }

        calls.Add(new Call(id, name, input, cacheControl));
        return null;
    }

    /// <summary>The arguments as an object's JSON; null where they are none. A model wrote this text, so that it may be anything.</summary>
    private static string? ReadInput(JsonElement? arguments)
    {
        switch (arguments?.ValueKind)
        {
            case null:
                return "{}";
            case JsonValueKind.Object:
                return arguments.Value.GetRawText();
            case JsonValueKind.String when arguments.Value.GetString()!.Trim() is var text:
                return text.Length == 0 ? "{}" : IsObject(text) ? text : null;
            default:
                return null;
        }
    }

    private static bool IsObject(string text)
    {
        try
        {
            using var document = JsonDocument.Parse(text, OpenAiJson.Reading);
            return document.RootElement.ValueKind == JsonValueKind.Object;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return false;
        }
    }

    private ProviderCall? ReadResult(JsonElement message, string? callId, string path)
    {
        if (callId is null)
        {
            return Invalid($"{path}.tool_call_id", "It must be a string.");
        }

        var blocks = new List<AnthropicBlock>();
        if (AnthropicContentReader.Read(message, path, allowsMedia: true, blocks) is { } problem)
        {
            return problem;
        }

        // Where the message says it as a whole, the breakpoint belongs to the result, not to its last part.
        var breakpoint = message.Find("cache_control"u8);
        if (breakpoint is not null && blocks.Count > 0)
        {
            blocks[^1] = blocks[^1] with { CacheControl = null };
        }

        conversation.AddToolResult(callId, writer => WriteResult(writer, blocks), breakpoint);
        return null;
    }

    private static void WriteResult(Utf8JsonWriter writer, List<AnthropicBlock> blocks)
    {
        if (blocks is [{ Text: { } text, CacheControl: null }])
        {
            writer.WriteString("content"u8, text);
        }
        else if (blocks.Count > 0)
        {
            writer.WriteStartArray("content"u8);
            blocks.ForEach(block => block.Write(writer));
            writer.WriteEndArray();
        }
    }

    private static ProviderCall Invalid(string param, string message) => ProviderCall.Refuse(GatewayError.InvalidMember(param, message));

    private readonly record struct Call(string Id, string Name, string Input, JsonElement? CacheControl);
}
