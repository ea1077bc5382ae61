using System.Text;
using System.Text.Json;
using LlmGateway.Model;
using LlmGateway.Providers.Wire;
using LlmGateway.Surfaces;

namespace LlmGateway.Routing;

/// <summary>What an answer in OpenAI's form says, whole or streamed: the first choice's text, refusal and tool calls.</summary>
internal sealed class AnswerText
{
    private readonly StringBuilder _text = new();
    private readonly SortedDictionary<int, (StringBuilder Name, StringBuilder Arguments)> _calls = [];

    private AnswerText()
    {
    }

    /// <summary>The text alone.</summary>
    public string Content => _text.ToString();

    public bool HasToolCalls => _calls.Count > 0;

    public bool IsRefusal { get; private set; }

    public string? Finish { get; private set; }

    /// <summary>Whether the answer says nothing at all.</summary>
    public bool IsEmpty => _calls.Count == 0 && string.IsNullOrWhiteSpace(Content);

    public static AnswerText OfCompletion(ReadOnlyMemory<byte> completion)
    {
        var text = new AnswerText();
        try
        {
            using var document = JsonDocument.Parse(completion);
            text.Read(document.RootElement);
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            // Half of a surrogate pair: what was read before it is what is judged.
        }

        return text;
    }

    /// <param name="events">A stream's events, as a client would get them.</param>
    public static AnswerText OfStream(ReadOnlySpan<byte> events)
    {
        var text = new AnswerText();
        var framer = WireFramer.For(WireFraming.ServerSentEvents);
        var delta = new OpenAiDelta();
        while (framer.TryRead(events, isFinal: true, out var wireEvent, out var consumed))
        {
            if (delta.TryRead(wireEvent.Data))
            {
                text.Read(delta, wireEvent.Data);
            }

            events = events[consumed..];
        }

        return text;
    }

    /// <summary>The answer as it is shown to somebody who judges it.</summary>
    public override string ToString()
    {
        var text = new StringBuilder(Content);
        foreach (var (name, arguments) in _calls.Values)
        {
            text.Append(text.Length == 0 ? "" : "\n").Append("[tool call] ").Append(name).Append(' ').Append(arguments);
        }

        return text.ToString();
    }

    private void Read(JsonElement root)
    {
        if (root.ValueKind != JsonValueKind.Object || root.Find("choices"u8) is not { ValueKind: JsonValueKind.Array } choices
            || choices.GetArrayLength() == 0 || choices[0].ValueKind != JsonValueKind.Object)
        {
            return;
        }

        Finish = choices[0].FindText("finish_reason"u8);
        if (choices[0].Find("message"u8) is not { ValueKind: JsonValueKind.Object } message)
        {
            return;
        }

        _text.Append(message.FindText("content"u8));
        NoteRefusal(message.FindText("refusal"u8));
        if (message.Find("tool_calls"u8) is not { ValueKind: JsonValueKind.Array } calls)
        {
            return;
        }

        foreach (var call in calls.EnumerateArray())
        {
            if (call.ValueKind == JsonValueKind.Object && call.Find("function"u8) is { ValueKind: JsonValueKind.Object } function)
            {
                NoteCall(_calls.Count, function.FindText("name"u8), function.FindText("arguments"u8));
            }
        }
    }

    private void Read(OpenAiDelta delta, ReadOnlySpan<byte> chunk)
    {
        _text.Append(TextOf(delta.Content, chunk));
        NoteRefusal(TextOf(delta.Refusal, chunk));
        Finish = delta.Finish ?? Finish;
        foreach (var call in delta.ToolCalls)
        {
            NoteCall(call.Index, TextOf(call.Name, chunk), TextOf(call.Arguments, chunk));
        }
    }

    private void NoteRefusal(string? refusal)
    {
        _text.Append(refusal);
        IsRefusal |= !string.IsNullOrEmpty(refusal);
    }

    private void NoteCall(int index, string? name, string? arguments)
    {
        if (!_calls.TryGetValue(index, out var call))
        {
            _calls[index] = call = (new StringBuilder(), new StringBuilder());
        }

        call.Name.Append(name);
        call.Arguments.Append(arguments);
    }

    private static string? TextOf(JsonRange quoted, ReadOnlySpan<byte> chunk) => quoted.IsEmpty ? null : HeldToolCalls.TextOf(quoted.Of(chunk));
}
