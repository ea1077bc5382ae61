using System.Buffers;
using System.Text.Json;
using LlmGateway.Model;
using LlmGateway.Providers.Wire;

namespace LlmGateway.Providers;

/// <summary>A legacy completion request as the chat request that it comes to: one user message, all else as it was.</summary>
internal static class CompletionAsChat
{
    /// <summary>The legacy API's own default, which chat does not have.</summary>
    private const int DefaultMaxTokens = 16;

    /// <summary>What chat has no equivalent of; null if the request can be carried.</summary>
    public static (string Reason, string Param)? WhyNot(GatewayRequest request)
    {
        using var document = JsonDocument.Parse(request.Body);
        var root = document.RootElement;
        if (request.Scan.InputKind is InputKind.Tokens or InputKind.TokenLists)
        {
            return ("a chat model takes text, not token numbers, as 'prompt'", "prompt");
        }

        if (request.Scan.InputCount > 1)
        {
            return ("a chat model takes one 'prompt' at a time", "prompt");
        }

        if (root.Find("suffix"u8) is { ValueKind: JsonValueKind.String } suffix && !suffix.ValueEquals(""u8))
        {
            return ("a chat model cannot fill in before a 'suffix'", "suffix");
        }

        if (root.Find("echo"u8) is { ValueKind: JsonValueKind.True })
        {
            return ("a chat model cannot 'echo' the prompt", "echo");
        }

        if (root.Find("logprobs"u8) is { ValueKind: JsonValueKind.Number })
        {
            return ("a chat model's log probabilities have another form than 'logprobs' asks for", "logprobs");
        }

        return Number(root, "best_of"u8) is var candidates && candidates > Number(root, "n"u8) ? ("a chat model cannot choose the 'best_of' several answers", "best_of") : null;
    }

    /// <summary>The chat request; <see cref="WhyNot"/> has said that there is one.</summary>
    public static GatewayRequest Derive(GatewayRequest request, ProviderTarget target)
    {
        using var document = JsonDocument.Parse(request.Body);
        var buffer = new ArrayBufferWriter<byte>(request.Body.Length + 128);
        using var json = new Utf8JsonWriter(buffer, OpenAiJson.Writing);
        var prompt = document.RootElement.GetProperty("prompt"u8);

        json.WriteStartObject();
        json.WritePropertyName("messages"u8);
        var messagesStart = Position(json);
        json.WriteStartArray();
        json.WriteStartObject();
        json.WriteString("role"u8, "user"u8);
        json.WritePropertyName("content"u8);
        var contentStart = Position(json);
        (prompt.ValueKind == JsonValueKind.Array ? prompt[0] : prompt).WriteTo(json);
        var content = new JsonRange(contentStart, Position(json) - contentStart);
        json.WriteEndObject();
        json.WriteEndArray();
        var scan = request.Scan with
        {
            MembersStart = 1,
            MessagesValue = new JsonRange(messagesStart, Position(json) - messagesStart),
            LastUserContent = content,
            InputKind = InputKind.None,
            ModelValue = default,
            StreamOptionsStart = 0,
            StreamOptionsValue = default,
            Fields = request.Scan.Fields & ~RequestFields.StreamOptions,
            IncludeUsageValue = default,
            IncludeUsage = request.Scan.IncludeUsage is true ? true : null,
            NullMembers = [],
        };
        scan = WriteMembers(json, document.RootElement, scan);
        if (!scan.Has(RequestFields.MaxTokens) && target.Sampling.MaxTokens is null)
        {
            json.WriteNumber("max_tokens"u8, DefaultMaxTokens);
            scan = scan with { Fields = scan.Fields | RequestFields.MaxTokens };
        }

        json.WriteEndObject();
        json.Flush();
        return request with { Operation = Operation.ChatCompletions, Body = buffer.WrittenMemory, Scan = scan };
    }

    private static ScannedRequest WriteMembers(Utf8JsonWriter json, JsonElement root, ScannedRequest scan)
    {
        foreach (var member in root.EnumerateObject())
        {
            if (member.Value.ValueKind == JsonValueKind.Null
                || member.Name is "prompt" or "messages" or "suffix" or "echo" or "logprobs" or "best_of" or "stream_options")
            {
                continue;
            }

            json.WritePropertyName(member.Name);
            var start = Position(json);
            member.Value.WriteTo(json);
            if (member.NameEquals("model"u8))
            {
                scan = scan with { ModelValue = new JsonRange(start, Position(json) - start) };
            }
        }

        if (scan.IncludeUsage is not true)
        {
            return scan;
        }

        // Behind the comma.
        var name = Position(json) + 1;
        json.WritePropertyName("stream_options"u8);
        var options = Position(json);
        json.WriteStartObject();
        json.WriteBoolean("include_usage"u8, true);
        json.WriteEndObject();
        return scan with { Fields = scan.Fields | RequestFields.StreamOptions, StreamOptionsStart = name, StreamOptionsValue = new JsonRange(options, Position(json) - options) };
    }

    private static int Position(Utf8JsonWriter json) => (int)(json.BytesCommitted + json.BytesPending);

    private static long Number(JsonElement root, ReadOnlySpan<byte> name) =>
        root.Find(name) is { ValueKind: JsonValueKind.Number } value && value.TryGetInt64(out var number) ? number : 1;
}
