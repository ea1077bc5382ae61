using System.Globalization;
using System.Text.Json;
using LlmGateway.Providers.Wire;
using Base64Text = System.Buffers.Text.Base64;

namespace LlmGateway.Surfaces;

/// <summary>Turns Ollama's messages into OpenAI's: images become parts, arguments text, and every tool result finds the id of its call.</summary>
internal sealed class OllamaClientMessages(ClientRequestReader request)
{
    private readonly Utf8JsonWriter _writer = request.Writer;

    /// <summary>Calls that have no result yet, oldest first.</summary>
    private readonly List<(string Id, string Name)> _open = [];

    private int _calls;

    public void Read(JsonElement root)
    {
        if (root.Find("messages"u8) is not { ValueKind: JsonValueKind.Array } messages)
        {
            request.Fail("messages", "it must be an array.");
            return;
        }

        _writer.WriteStartArray("messages"u8);
        var index = 0;
        foreach (var message in messages.EnumerateArray())
        {
            ReadMessage(message, ClientRequestReader.At("messages", index++));
        }

        _writer.WriteEndArray();
    }

    /// <summary>A message of text, and of images if there are any.</summary>
    public void WriteUser(string role, string text, JsonElement? images, string path)
    {
        if (images is { ValueKind: not JsonValueKind.Array })
        {
            request.Fail(path, "it must be an array of base64 strings.");
            return;
        }

        if (images is null || images.Value.GetArrayLength() == 0)
        {
            request.WriteMessage(role, text);
            return;
        }

        _writer.WriteStartObject();
        _writer.WriteString("role"u8, role);
        _writer.WriteStartArray("content"u8);
        if (text.Length > 0)
        {
            request.WriteTextPart(text);
        }

        foreach (var image in images.Value.EnumerateArray())
        {
            if (image.ValueKind != JsonValueKind.String || image.GetString() is not { Length: > 0 } data || !Base64Text.IsValid(data))
            {
                request.Fail(path, "illegal base64 data.");
                continue;
            }

            request.WriteImagePart($"data:{ImageType(data)};base64,{data}");
        }

        _writer.WriteEndArray();
        _writer.WriteEndObject();
    }

    private void ReadMessage(JsonElement message, string path)
    {
        if (message.ValueKind != JsonValueKind.Object)
        {
            request.Fail(path, "it must be an object.");
            return;
        }

        var content = message.Find("content"u8);
        if (content is { ValueKind: not JsonValueKind.String })
        {
            request.Fail($"{path}.content", "it must be a string.");
            return;
        }

        var text = content?.GetString() ?? "";
        switch (message.FindText("role"u8))
        {
            case ("user" or "system") and var role:
                WriteUser(role, text, message.Find("images"u8), $"{path}.images");
                break;
            case "assistant":
                WriteAssistant(message, text, path);
                break;
            case "tool":
                WriteResult(message, text);
                break;
            default:
                request.Fail($"{path}.role", "it must be system, user, assistant or tool.");
                break;
        }
    }

    private void WriteAssistant(JsonElement message, string text, string path)
    {
        var calls = message.Find("tool_calls"u8) is { ValueKind: JsonValueKind.Array } list && list.GetArrayLength() > 0 ? list : (JsonElement?)null;
        _open.Clear();
        _writer.WriteStartObject();
        _writer.WriteString("role"u8, "assistant"u8);
        if (text.Length == 0 && calls is not null)
        {
            _writer.WriteNull("content"u8);
        }
        else
        {
            _writer.WriteString("content"u8, text);
        }

        if (message.FindText("thinking"u8) is { Length: > 0 } thinking)
        {
            _writer.WriteString("reasoning_content"u8, thinking);
        }

        if (calls is not null)
        {
            _writer.WriteStartArray("tool_calls"u8);
            foreach (var call in calls.Value.EnumerateArray())
            {
                WriteCall(call, path);
            }

            _writer.WriteEndArray();
        }

        _writer.WriteEndObject();
    }

    private void WriteCall(JsonElement call, string path)
    {
        var function = call.ValueKind == JsonValueKind.Object ? call.Find("function"u8) : null;
        var arguments = function is { ValueKind: JsonValueKind.Object } known ? known.Find("arguments"u8) : null;
        if (function is not { ValueKind: JsonValueKind.Object } || function.Value.FindText("name"u8) is not { Length: > 0 } name || arguments is { ValueKind: not JsonValueKind.Object })
        {
            request.Fail($"{path}.tool_calls", "a call needs a function with a name and an arguments object.");
            return;
        }

        var id = call.FindText("id"u8) is { Length: > 0 } own ? own : string.Create(CultureInfo.InvariantCulture, $"call_{_calls}");
        _calls++;
        _open.Add((id, name));
        request.WriteToolCall(id, name, arguments);
    }

    /// <summary>By its own id, else the first open call of its name, else the first open one. A result that nobody asked for is told by the user.</summary>
    private void WriteResult(JsonElement message, string text)
    {
        var name = message.FindText("tool_name"u8) ?? message.FindText("name"u8);
        var id = message.FindText("tool_call_id"u8);
        var match = _open.FindIndex(call => call.Id == id);
        match = match >= 0 ? match : _open.FindIndex(call => call.Name == name);
        match = match < 0 && string.IsNullOrEmpty(name) && string.IsNullOrEmpty(id) && _open.Count > 0 ? 0 : match;
        if (match < 0)
        {
            request.WriteMessage("user", $"Result of the tool {name ?? "call"}:\n{text}");
            return;
        }

        _writer.WriteStartObject();
        _writer.WriteString("role"u8, "tool"u8);
        _writer.WriteString("tool_call_id"u8, _open[match].Id);
        _writer.WriteString("content"u8, text);
        _writer.WriteEndObject();
        _open.RemoveAt(match);
    }

    /// <summary>Ollama's images are bare bytes; what they are shows in the first of them.</summary>
    private static string ImageType(string base64) => base64 switch
    {
        ['/', '9', 'j', '/', ..] => "image/jpeg",
        ['R', '0', 'l', 'G', ..] => "image/gif",
        ['U', 'k', 'l', 'G', ..] => "image/webp",
        _ => "image/png",
    };
}
