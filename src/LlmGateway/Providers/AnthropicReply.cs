using System.Buffers;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using System.Text.Unicode;
using LlmGateway.Model;
using LlmGateway.Providers.Wire;

namespace LlmGateway.Providers;

/// <summary>Turns Anthropic's whole message into OpenAI's completion. Texts are joined as they stand, never unescaped.</summary>
internal sealed class AnthropicReply
{
    private readonly ArrayBufferWriter<byte> _text = new();
    private readonly ArrayBufferWriter<byte> _thinking = new();
    private readonly List<JsonElement> _toolUses = [];
    private readonly AnthropicThoughts _thoughts;

    private AnthropicReply(AnthropicThoughts thoughts)
    {
        _thoughts = thoughts;
        _text.Write("\""u8);
        _thinking.Write("\""u8);
    }

    public static ProviderReply Read(ReadOnlyMemory<byte> json, CompletionStamp stamp, AnthropicThoughts thoughts, Func<Guid> newGuid)
    {
        if (!Utf8.IsValid(json.Span))
        {
            return ProviderReply.Invalid("The reply is not valid UTF-8.");
        }

        try
        {
            using var document = JsonDocument.Parse(json, OpenAiJson.Reading);
            var root = document.RootElement;
            if (root.ValueKind != JsonValueKind.Object)
            {
                return ProviderReply.Invalid("The reply is not a JSON object.");
            }

            return root.Find("error"u8) is { ValueKind: JsonValueKind.Object }
                ? ProviderReply.Failed(AnthropicErrors.ReadInside(json.Span))
                : new AnthropicReply(thoughts).Translate(root, stamp, newGuid);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            // The second is how an escape of half a surrogate pair shows itself, when its string is read.
            return ProviderReply.Invalid("The reply is not sound JSON.");
        }
    }

    private ProviderReply Translate(JsonElement root, CompletionStamp stamp, Func<Guid> newGuid)
    {
        if (root.Find("content"u8) is not { ValueKind: JsonValueKind.Array } content)
        {
            return ProviderReply.Invalid("The reply has no content.");
        }

        if (root.Find("stop_reason"u8) is not { ValueKind: JsonValueKind.String } reason)
        {
            return ProviderReply.Invalid("The reply does not say that it is complete.");
        }

        foreach (var block in content.EnumerateArray())
        {
            if (block.ValueKind != JsonValueKind.Object || !TryTake(block))
            {
                return ProviderReply.Invalid("A block of the reply lacks what its type needs.");
            }
        }

        _text.Write("\""u8);
        _thinking.Write("\""u8);
        return Write(root, Inside(reason), stamp, newGuid);
    }

    /// <summary>Takes what OpenAI's form has a place for; what a server tool said, and what comes to be added, has none.</summary>
    private bool TryTake(JsonElement block)
    {
        switch (block.FindText("type"u8))
        {
            case "text":
                return TryAppend(_text, block.Find("text"u8));
            case "thinking":
                if (block.Find("signature"u8) is { ValueKind: JsonValueKind.String } signature && !Inside(signature).IsEmpty)
                {
                    _thoughts.Add(JsonMarshal.GetRawUtf8Value(block));
                }

                return TryAppend(_thinking, block.Find("thinking"u8));
            case "redacted_thinking":
                _thoughts.Add(JsonMarshal.GetRawUtf8Value(block));
                return true;
            case "tool_use":
                _toolUses.Add(block);
                if (block.FindText("id"u8) is { Length: > 0 } id)
                {
                    _thoughts.KeepFor(id);
                }

                return block.FindText("name"u8) is { Length: > 0 };
            default:
                return true;
        }
    }

    private ProviderReply Write(JsonElement root, ReadOnlySpan<byte> reason, CompletionStamp stamp, Func<Guid> newGuid)
    {
        var text = WireText.Json(_text.WrittenSpan);
        var thinking = WireText.Json(_thinking.WrittenSpan);
        var finish = AnthropicStopReason.Translate(reason, _toolUses.Count > 0);
        var outputBytes = text.Utf8Length + thinking.Utf8Length;
        var output = new ArrayBufferWriter<byte>(_text.WrittenCount + _thinking.WrittenCount + 1024);
        using var writer = new OpenAiReplyWriter(output, stamp);
        writer.Begin(text, thinking, finish == FinishReason.ContentFilter ? Explanation(root) : WireText.None, _toolUses.Count > 0);
        foreach (var use in _toolUses)
        {
            var arguments = use.Find("input"u8) is { } input ? JsonMarshal.GetRawUtf8Value(input) : "{}"u8;
            outputBytes += arguments.Length;
            writer.WriteToolCall(Id(use, newGuid), WireText.Json(JsonMarshal.GetRawUtf8Value(use.GetProperty("name"u8))), WireText.Plain(arguments));
        }

        var usage = ReadUsage(root);
        writer.End(finish, usage);
        return new ProviderReply(output.WrittenMemory, usage, outputBytes);
    }

    private static WireText Id(JsonElement use, Func<Guid> newGuid) => use.Find("id"u8) is { ValueKind: JsonValueKind.String } id && !Inside(id).IsEmpty
        ? WireText.Json(JsonMarshal.GetRawUtf8Value(id))
        : WireText.Plain(Encoding.ASCII.GetBytes($"call_{newGuid():N}"));

    private static WireText Explanation(JsonElement root) =>
        root.Find("stop_details"u8) is { ValueKind: JsonValueKind.Object } details && details.Find("explanation"u8) is { ValueKind: JsonValueKind.String } text
            ? WireText.Json(JsonMarshal.GetRawUtf8Value(text))
            : WireText.None;

    private static TokenUsage? ReadUsage(JsonElement root)
    {
        if (root.Find("usage"u8) is not { } told)
        {
            return null;
        }

        var usage = default(AnthropicUsage);
        var reader = new Utf8JsonReader(JsonMarshal.GetRawUtf8Value(told));
        usage.Read(ref reader);
        return usage.ToUsage();
    }

    private static bool TryAppend(ArrayBufferWriter<byte> joined, JsonElement? text)
    {
        if (text is not { ValueKind: JsonValueKind.String } piece)
        {
            return false;
        }

        joined.Write(Inside(piece));
        return true;
    }

    /// <summary>The inside of a JSON string, escapes and all.</summary>
    private static ReadOnlySpan<byte> Inside(JsonElement text) => JsonMarshal.GetRawUtf8Value(text)[1..^1];
}
