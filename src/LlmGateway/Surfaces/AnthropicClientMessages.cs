using System.Text;
using System.Text.Json;
using LlmGateway.Providers.Wire;

namespace LlmGateway.Surfaces;

/// <summary>Turns system prompt and messages into OpenAI's list: tool results become messages of their own, right behind the calls they answer.</summary>
internal sealed class AnthropicClientMessages(ClientRequestReader request)
{
    private readonly Utf8JsonWriter _writer = request.Writer;

    public void Read(JsonElement root)
    {
        if (root.Find("messages"u8) is not { } messages)
        {
            request.FailMissing("messages");
            return;
        }

        if (messages.ValueKind != JsonValueKind.Array || messages.GetArrayLength() == 0)
        {
            request.Fail("messages", "it must be an array of at least one message.");
            return;
        }

        _writer.WriteStartArray("messages"u8);
        ReadSystem(root.Find("system"u8), "system");
        var index = 0;
        foreach (var message in messages.EnumerateArray())
        {
            ReadMessage(message, ClientRequestReader.At("messages", index++));
        }

        _writer.WriteEndArray();
    }

    private void ReadMessage(JsonElement message, string path)
    {
        if (message.ValueKind != JsonValueKind.Object)
        {
            request.Fail(path, "it must be an object.");
            return;
        }

        var content = message.Find("content"u8);
        if (content is not { ValueKind: JsonValueKind.String or JsonValueKind.Array })
        {
            request.Fail($"{path}.content", "it must be a string or an array of blocks.");
            return;
        }

        switch (message.FindText("role"u8))
        {
            case "user":
                new AnthropicClientUserTurn(request).Read(content.Value, $"{path}.content");
                break;
            case "assistant":
                ReadAssistant(content.Value, $"{path}.content");
                break;
            case "system":
                ReadSystem(content, $"{path}.content");
                break;
            default:
                request.Fail($"{path}.role", "it must be user or assistant.");
                break;
        }
    }

    private void ReadSystem(JsonElement? system, string path)
    {
        if (system is not { } value)
        {
            return;
        }

        var text = new StringBuilder();
        if (value.ValueKind == JsonValueKind.String)
        {
            text.Append(value.GetString());
        }
        else if (value.ValueKind == JsonValueKind.Array)
        {
            foreach (var block in value.EnumerateArray())
            {
                if (block.ValueKind == JsonValueKind.Object && block.FindText("text"u8) is { } piece)
                {
                    text.Append(text.Length > 0 && piece.Length > 0 ? "\n\n" : "").Append(piece);
                }
                else
                {
                    request.Fail(path, "its blocks must be text blocks.");
                }
            }
        }
        else
        {
            request.Fail(path, "it must be a string or an array of text blocks.");
        }

        if (text.Length > 0)
        {
            request.WriteMessage("system", text.ToString());
        }
    }

    private void ReadAssistant(JsonElement content, string path)
    {
        if (content.ValueKind == JsonValueKind.String)
        {
            request.WriteMessage("assistant", content.GetString()!);
            return;
        }

        var text = new StringBuilder();
        var reasoning = new StringBuilder();
        List<(string Id, string Name, JsonElement Input)>? calls = null;
        var index = 0;
        foreach (var block in content.EnumerateArray())
        {
            var place = ClientRequestReader.At(path, index++);
            var type = block.ValueKind == JsonValueKind.Object ? block.FindText("type"u8) : null;
            switch (type)
            {
                case "text":
                    text.Append(block.FindText("text"u8));
                    break;
                case "tool_use":
                    if (block.FindText("id"u8) is { Length: > 0 } id && block.FindText("name"u8) is { Length: > 0 } name && block.Find("input"u8) is { ValueKind: JsonValueKind.Object } input)
                    {
                        (calls ??= []).Add((id, name, input));
                    }
                    else
                    {
                        request.Fail(place, "a tool_use block needs id, name and an input object.");
                    }

                    break;
                case "thinking":
                    // Signed thinking belongs to Anthropic's models. Unsigned came from a provider that wants it back in this member.
                    if (string.IsNullOrEmpty(block.FindText("signature"u8)))
                    {
                        reasoning.Append(block.FindText("thinking"u8));
                        request.NeedsTranslation = true;
                    }

                    break;
                case "redacted_thinking":
                    break;
                case null:
                    request.Fail($"{place}.type", "Field required");
                    break;
                default:
                    request.NeedsNative($"a content block of type '{(type.Length <= 64 ? type : type[..64])}'");
                    break;
            }
        }

        WriteAssistant(text, reasoning, calls);
    }

    private void WriteAssistant(StringBuilder text, StringBuilder reasoning, List<(string Id, string Name, JsonElement Input)>? calls)
    {
        _writer.WriteStartObject();
        _writer.WriteString("role"u8, "assistant"u8);
        if (text.Length == 0 && calls is not null)
        {
            _writer.WriteNull("content"u8);
        }
        else
        {
            _writer.WriteString("content"u8, text.ToString());
        }

        if (reasoning.Length > 0)
        {
            _writer.WriteString("reasoning_content"u8, reasoning.ToString());
        }

        if (calls is not null)
        {
            _writer.WriteStartArray("tool_calls"u8);
            foreach (var (id, name, input) in calls)
            {
                request.WriteToolCall(id, name, input);
            }

            _writer.WriteEndArray();
        }

        _writer.WriteEndObject();
    }
}
