using System.Collections.Frozen;
using System.Text.Json;
using LlmGateway.Model;
using LlmGateway.Providers.Wire;

namespace LlmGateway.Surfaces;

/// <summary>Turns a request of Ollama's into a chat request: its top level here, messages and options in their own files.</summary>
internal sealed class OllamaClientRequest(ClientRequestReader request, GatewayConfig config)
{
    private static readonly FrozenSet<string> KnownMembers = FrozenSet.ToFrozenSet(
    [
        "model", "messages", "prompt", "system", "suffix", "template", "context", "raw", "images", "stream", "format", "keep_alive", "tools", "options",
        "think", "logprobs", "top_logprobs", "truncate", "shift",
    ]);

    /// <summary>Whether the request asks for nothing but that the model be loaded, or unloaded.</summary>
    public bool ReadIsLoad(JsonElement root, bool isChat, out string reason)
    {
        reason = root.Find("keep_alive"u8) is { } keep && IsZero(keep) ? "unload" : "load";
        if (root.FindText("model"u8) is not { Length: > 0 })
        {
            request.FailMissing("model");
            return true;
        }

        return isChat
            ? root.Find("messages"u8) is null or { ValueKind: JsonValueKind.Array } && (root.Find("messages"u8)?.GetArrayLength() ?? 0) == 0
            : root.Find("prompt"u8) is null or { ValueKind: JsonValueKind.String } && string.IsNullOrEmpty(root.FindText("prompt"u8)) && root.Find("images"u8) is null
                && root.Find("suffix"u8) is null;
    }

    public ClientCall Read(JsonElement root, bool isChat)
    {
        var writer = request.Writer;
        request.NeedsTranslation = root.EnumerateObject().Any(member => IsMistakable(member.Name));
        writer.WriteStartObject();
        writer.WriteString("model"u8, OllamaModelName.Resolve(root.FindText("model"u8)!, config));
        if (isChat)
        {
            new OllamaClientMessages(request).Read(root);
            ReadTools(root);
        }
        else
        {
            ReadPrompt(root);
        }

        ReadStream(root);
        ReadFormat(root);
        ReadThink(root);
        OllamaClientOptions.Read(root, request);
        request.Copy(root, "logprobs", "logprobs", JsonValueKind.True, JsonValueKind.False);
        if (root.Find("logprobs"u8) is { ValueKind: JsonValueKind.True })
        {
            request.CopyNumber(root, "top_logprobs", "top_logprobs", isWhole: true);
        }

        writer.WriteEndObject();
        return request.Finish();
    }

    /// <summary>
    /// Whether Ollama would take the member for another one: it matches names without regard to case, so that a second "Model" would win over
    /// the one that was checked. The translation knows exact names alone and drops such a member.
    /// </summary>
    private static bool IsMistakable(string name)
    {
        // Two letters outside ASCII fold to one inside: the long s and the Kelvin sign.
        var folded = name.Replace('\u017f', 's').Replace('\u212a', 'k').ToLowerInvariant();
        return folded != name && KnownMembers.Contains(folded);
    }

    private static bool IsZero(JsonElement keep) => keep.ValueKind switch
    {
        JsonValueKind.Number => keep.TryGetDouble(out var seconds) && seconds == 0,
        JsonValueKind.String => keep.GetString() is "0" or "0s" or "0m" or "0h",
        _ => false,
    };

    /// <summary>A prompt is a user message behind the system prompt. What goes past the chat form only Ollama itself can be asked.</summary>
    private void ReadPrompt(JsonElement root)
    {
        foreach (var name in (ReadOnlySpan<string>)["template", "suffix", "context"])
        {
            if (root.TryGetProperty(name, out var value) && !IsEmpty(value))
            {
                request.NeedsNative($"'{name}'");
            }
        }

        if (root.Find("raw"u8) is { ValueKind: JsonValueKind.True })
        {
            request.NeedsNative("'raw'");
        }

        request.Writer.WriteStartArray("messages"u8);
        if (root.FindText("system"u8) is { Length: > 0 } system)
        {
            request.WriteMessage("system", system);
        }

        if (root.Find("prompt"u8) is { ValueKind: not JsonValueKind.String })
        {
            request.Fail("prompt", "it must be a string.");
        }

        new OllamaClientMessages(request).WriteUser("user", root.FindText("prompt"u8) ?? "", root.Find("images"u8), "images");
        request.Writer.WriteEndArray();
    }

    private static bool IsEmpty(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Null => true,
        JsonValueKind.String => value.GetString()!.Length == 0,
        JsonValueKind.Array => value.GetArrayLength() == 0,
        _ => false,
    };

    /// <summary>Ollama's tools are OpenAI's; a type left out is a function.</summary>
    private void ReadTools(JsonElement root)
    {
        if (root.Find("tools"u8) is not { } tools)
        {
            return;
        }

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
            var path = ClientRequestReader.At("tools", index++);
            if (tool.ValueKind != JsonValueKind.Object || tool.Find("function"u8) is not { ValueKind: JsonValueKind.Object } function || function.FindText("name"u8) is not { Length: > 0 })
            {
                request.Fail(path, "it must be a function with a name.");
                continue;
            }

            request.Writer.WriteStartObject();
            request.Writer.WriteString("type"u8, "function"u8);
            request.WriteRaw("function", function);
            request.Writer.WriteEndObject();
        }

        request.Writer.WriteEndArray();
    }

    /// <summary>What says nothing of streaming wants it.</summary>
    private void ReadStream(JsonElement root)
    {
        var stream = root.Find("stream"u8);
        if (stream is { ValueKind: not (JsonValueKind.True or JsonValueKind.False) })
        {
            request.Fail("stream", "it must be a boolean.");
        }

        request.WriteStreaming(stream is not { ValueKind: JsonValueKind.False });
    }

    private void ReadFormat(JsonElement root)
    {
        switch (root.Find("format"u8))
        {
            case null:
            case { ValueKind: JsonValueKind.String } none when none.GetString()!.Length == 0:
                break;
            case { ValueKind: JsonValueKind.String } json when json.ValueEquals("json"u8):
                request.Writer.WriteStartObject("response_format"u8);
                request.Writer.WriteString("type"u8, "json_object"u8);
                request.Writer.WriteEndObject();
                break;
            case { ValueKind: JsonValueKind.Object } schema:
                request.WriteSchemaFormat(schema);
                break;
            default:
                request.Fail("format", "it must be \"json\" or a JSON schema.");
                break;
        }
    }

    private void ReadThink(JsonElement root)
    {
        var effort = root.Find("think"u8) switch
        {
            null => null,
            { ValueKind: JsonValueKind.True } => "medium",
            { ValueKind: JsonValueKind.False } => "none",
            { ValueKind: JsonValueKind.String } level when level.GetString() is "low" or "medium" or "high" or "max" => level.GetString(),
            _ => "",
        };
        if (effort is "")
        {
            request.Fail("think", "it must be a boolean, low, medium, high or max.");
        }
        else if (effort is not null)
        {
            request.ShowsReasoning = effort != "none";
            request.Writer.WriteString("reasoning_effort"u8, effort);
        }
    }
}
