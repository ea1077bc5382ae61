using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using LlmGateway.Model;
using LlmGateway.Providers.Wire;

namespace LlmGateway.Surfaces;

/// <summary>Turns a Messages request into a chat request: its top level here, messages and their content in their own files.</summary>
internal static class AnthropicClientRequest
{
    /// <summary>Budgets below these are a low or a medium effort.</summary>
    private const int MediumBudget = 4096, HighBudget = 16384;

    private const int LongestUserId = 64;

    public static ClientCall Read(ReadOnlyMemory<byte> body, bool needsMaxTokens)
    {
        using var document = JsonDocument.Parse(body, OpenAiJson.Reading);
        using var request = new ClientRequestReader(body.Length);
        request.Writer.WriteStartObject();
        ReadTopLevel(document.RootElement, request, needsMaxTokens);
        request.Writer.WriteEndObject();
        return request.Finish();
    }

    private static void ReadTopLevel(JsonElement root, ClientRequestReader request, bool needsMaxTokens)
    {
        request.Copy(root, "model", "model", JsonValueKind.String);
        ReadLimit(root, request, needsMaxTokens);
        new AnthropicClientMessages(request).Read(root);
        request.CopyNumber(root, "temperature", "temperature");
        request.CopyNumber(root, "top_p", "top_p");
        request.CopyNumber(root, "top_k", "top_k", isWhole: true);
        request.CopyStop(root.Find("stop_sequences"u8), "stop_sequences", takesString: false);
        ReadStream(root, request);
        ReadUser(root, request);
        AnthropicClientTools.Read(root, request);
        ReadThinking(root, request);
        if ((root.Find("output_config"u8) is { ValueKind: JsonValueKind.Object } config ? config.Find("format"u8) : root.Find("output_format"u8)) is { } format)
        {
            ReadFormat(format, request);
        }

        RefuseThread(root, request);
        foreach (var name in (ReadOnlySpan<string>)["container", "mcp_servers"])
        {
            if (root.TryGetProperty(name, out var value) && value.ValueKind != JsonValueKind.Null && !(value.ValueKind == JsonValueKind.Array && value.GetArrayLength() == 0))
            {
                request.NeedsNative($"'{name}'");
            }
        }
    }

    /// <summary>
    /// A conversation that the server holds: it would hold it for one provider's key, not for the client's, and no other target could go
    /// on with it. To pass over it would answer the last turn alone; the SDKs' tool runners know this refusal and send the whole history.
    /// </summary>
    private static void RefuseThread(JsonElement root, ClientRequestReader request)
    {
        if (root.Find("thread"u8) is not null)
        {
            request.Refuse(GatewayError.Invalid(ErrorCodes.ThreadUnsupported, "thread: conversations are not held here. Send all 'messages' and leave out 'thread'.", "thread"));
        }
    }

    private static void ReadLimit(JsonElement root, ClientRequestReader request, bool isNeeded)
    {
        if (root.Find("max_tokens"u8) is not { } limit)
        {
            if (isNeeded)
            {
                request.FailMissing("max_tokens");
            }
        }
        else if (limit.ValueKind != JsonValueKind.Number || !limit.TryGetInt64(out var tokens) || tokens < 1)
        {
            request.Fail("max_tokens", "it must be an integer of at least 1.");
        }
        else
        {
            request.WriteRaw("max_completion_tokens", limit);
        }
    }

    private static void ReadStream(JsonElement root, ClientRequestReader request)
    {
        if (root.Find("stream"u8) is { } stream)
        {
            if (stream.ValueKind is not (JsonValueKind.True or JsonValueKind.False))
            {
                request.Fail("stream", "it must be a boolean.");
            }

            request.WriteStreaming(stream.ValueKind == JsonValueKind.True);
        }
    }

    /// <summary>OpenAI takes 64 characters; a longer id goes as its hash, which tells users apart as well.</summary>
    private static void ReadUser(JsonElement root, ClientRequestReader request)
    {
        if (root.Find("metadata"u8) is { ValueKind: JsonValueKind.Object } metadata && metadata.FindText("user_id"u8) is { Length: > 0 } user)
        {
            request.Writer.WriteString("safety_identifier"u8, user.Length <= LongestUserId
                ? user
                : Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(user))));
        }
    }

    /// <summary>Reasoning is shown to those who asked for it. An adaptive mode without an effort leaves the effort to the model.</summary>
    private static void ReadThinking(JsonElement root, ClientRequestReader request)
    {
        var effort = root.Find("output_config"u8) is { ValueKind: JsonValueKind.Object } config ? config.FindText("effort"u8) : null;
        var thinking = root.Find("thinking"u8);
        if (thinking is { ValueKind: not JsonValueKind.Object })
        {
            request.Fail("thinking", "it must be an object.");
            return;
        }

        var type = thinking?.FindText("type"u8);
        request.ShowsReasoning = type is not (null or "disabled");
        effort = type switch
        {
            "disabled" => "none",
            "enabled" => effort ?? FromBudget(thinking!.Value, request),
            _ => effort,
        };
        if (effort is not null)
        {
            request.Writer.WriteString("reasoning_effort"u8, effort);
        }
    }

    private static string? FromBudget(JsonElement thinking, ClientRequestReader request)
    {
        if (thinking.Find("budget_tokens"u8) is not { ValueKind: JsonValueKind.Number } value || !value.TryGetInt64(out var budget))
        {
            request.FailMissing("thinking.budget_tokens");
            return null;
        }

        return budget < MediumBudget ? "low" : budget < HighBudget ? "medium" : "high";
    }

    private static void ReadFormat(JsonElement format, ClientRequestReader request)
    {
        if (format.ValueKind != JsonValueKind.Object || format.FindText("type"u8) != "json_schema" || format.Find("schema"u8) is not { ValueKind: JsonValueKind.Object } schema)
        {
            request.Fail("output_config.format", "it must be {\"type\":\"json_schema\",\"schema\":{…}}.");
            return;
        }

        request.WriteSchemaFormat(schema);
    }
}
