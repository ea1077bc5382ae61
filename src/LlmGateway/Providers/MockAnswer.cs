using System.Buffers;
using System.Text;
using LlmGateway.Model;
using LlmGateway.Providers.Wire;

namespace LlmGateway.Providers;

/// <summary>What the mock provider says, in OpenAI's form: whole, or as the events of a stream.</summary>
internal sealed class MockAnswer(MockRequest request, MockBehavior behavior, CompletionStamp stamp)
{
    /// <summary>How many events of a stream make the first token: the role's and the first word's.</summary>
    public const int EventsToFirstToken = 2;

    private readonly IReadOnlyList<(string Name, string Arguments)> _calls = behavior.Reply is null ? MockToolUse.CallsFor(request) : [];

    private readonly string _text = behavior.Reply ?? MockToolUse.Answer(request) ?? $"Mock response to: {request.LastUserText}";

    /// <summary>A rough count: about four bytes a token.</summary>
    private TokenUsage Usage => new(Tokens(request.PromptBytes), Tokens(_calls.Count > 0 ? _calls.Sum(call => call.Name.Length + call.Arguments.Length) : Encoding.UTF8.GetByteCount(_text)));

    public byte[] ToCompletion()
    {
        var output = new ArrayBufferWriter<byte>();
        using var writer = new OpenAiReplyWriter(output, stamp);
        var text = _calls.Count > 0 ? WireText.None : WireText.Plain(Encoding.UTF8.GetBytes(_text));
        writer.Begin(text, WireText.None, WireText.None, hasToolCalls: _calls.Count > 0);
        for (var i = 0; i < _calls.Count; i++)
        {
            writer.WriteToolCall(CallId(i), Plain(_calls[i].Name), Plain(_calls[i].Arguments));
        }

        writer.End(_calls.Count > 0 ? FinishReason.ToolCalls : FinishReason.Stop, Usage);
        return output.WrittenSpan.ToArray();
    }

    /// <summary>One event each: role, every word with the blanks behind it (or the start and the arguments of every tool call), finish, usage if the caller asked, the end mark.</summary>
    public List<byte[]> ToEvents()
    {
        var chunks = new OpenAiChunkWriter(stamp, request.TellsUsage);
        var events = new List<byte[]> { Event(chunks.WriteRole) };
        for (var i = 0; i < _calls.Count; i++)
        {
            var index = i;
            events.Add(Event(output => chunks.WriteToolCallStart(output, index, CallId(index), Plain(_calls[index].Name))));
            events.Add(Event(output => chunks.WriteToolCallArguments(output, index, Plain(_calls[index].Arguments))));
        }

        foreach (var word in _calls.Count > 0 ? [] : Words(_text))
        {
            events.Add(Event(output => chunks.WriteContent(output, WireText.Plain(Encoding.UTF8.GetBytes(word)))));
        }

        events.Add(Event(output => chunks.WriteFinish(output, _calls.Count > 0 ? FinishReason.ToolCalls : FinishReason.Stop)));
        if (request.TellsUsage)
        {
            events.Add(Event(output => chunks.WriteUsage(output, Usage)));
        }

        events.Add(Event(OpenAiChunkWriter.WriteDone));
        return events;
    }

    private WireText CallId(int index) => Plain($"call_{stamp.Id[^24..]}_{index}");

    private static WireText Plain(string text) => WireText.Plain(Encoding.UTF8.GetBytes(text));

    private static IEnumerable<string> Words(string text)
    {
        for (var start = 0; start < text.Length;)
        {
            var end = start;
            while (end < text.Length && !char.IsWhiteSpace(text[end]))
            {
                end++;
            }

            while (end < text.Length && char.IsWhiteSpace(text[end]))
            {
                end++;
            }

            yield return text[start..end];
            start = end;
        }
    }

    private static byte[] Event(Action<IBufferWriter<byte>> write)
    {
        var output = new ArrayBufferWriter<byte>();
        write(output);
        return output.WrittenSpan.ToArray();
    }

    private static int Tokens(int bytes) => (bytes + 3) / 4;
}
