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

    private readonly string _text = behavior.Reply ?? $"Mock response to: {request.LastUserText}";

    /// <summary>A rough count: about four bytes a token.</summary>
    private TokenUsage Usage => new(Tokens(request.PromptBytes), Tokens(Encoding.UTF8.GetByteCount(_text)));

    public byte[] ToCompletion()
    {
        var output = new ArrayBufferWriter<byte>();
        using var writer = new OpenAiReplyWriter(output, stamp);
        writer.Begin(WireText.Plain(Encoding.UTF8.GetBytes(_text)), WireText.None, WireText.None, hasToolCalls: false);
        writer.End(FinishReason.Stop, Usage);
        return output.WrittenSpan.ToArray();
    }

    /// <summary>One event each: role, every word with the blanks behind it, finish, usage if the caller asked, the end mark.</summary>
    public List<byte[]> ToEvents()
    {
        var chunks = new OpenAiChunkWriter(stamp, request.TellsUsage);
        var events = new List<byte[]> { Event(chunks.WriteRole) };
        foreach (var word in Words(_text))
        {
            events.Add(Event(output => chunks.WriteContent(output, WireText.Plain(Encoding.UTF8.GetBytes(word)))));
        }

        events.Add(Event(output => chunks.WriteFinish(output, FinishReason.Stop)));
        if (request.TellsUsage)
        {
            events.Add(Event(output => chunks.WriteUsage(output, Usage)));
        }

        events.Add(Event(OpenAiChunkWriter.WriteDone));
        return events;
    }

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
