using System.Buffers;
using System.Text;
using System.Text.Json;
using LlmGateway.Providers.Wire;

namespace LlmGateway.Providers;

/// <summary>Turns Gemini's whole answer into OpenAI's completion; a list of chunks (a stream without events) is put together.</summary>
internal sealed class GeminiReply(GeminiCallMemory memory, Func<Guid> newGuid) : IGeminiSink
{
    private readonly Dictionary<int, Message> _messages = [];
    private int _outputBytes;

    public ProviderReply Read(ReadOnlySpan<byte> json, CompletionStamp stamp)
    {
        var reader = new GeminiReader(this, newGuid);
        if (!reader.TryRead(json))
        {
            return ProviderReply.Invalid("The reply is not a JSON object.");
        }

        if (reader.Error is { } error)
        {
            return ProviderReply.Failed(error);
        }

        if (!reader.IsComplete)
        {
            return ProviderReply.Invalid(reader.Candidates.Count == 0 ? "The reply holds no candidates." : "The reply does not say that it is complete.");
        }

        var output = new ArrayBufferWriter<byte>(json.Length + 512);
        using var writer = new OpenAiReplyWriter(output, stamp);
        GeminiCandidate? last = null;
        foreach (var candidate in reader.Candidates)
        {
            if (last is not null)
            {
                writer.EndChoice(last.Finish, MessageOf(last).Logprobs.Span);
            }

            Write(writer, candidate);
            candidate.KeepCalls(memory);
            last = candidate;
        }

        var usage = reader.Usage;
        writer.End(last!.Finish, usage, MessageOf(last).Logprobs.Span);
        return new ProviderReply(output.WrittenMemory, usage, _outputBytes);
    }

    void IGeminiSink.OnText(GeminiCandidate candidate, ReadOnlySpan<byte> text, ReadOnlyMemory<byte> logprobs)
    {
        var message = MessageOf(candidate);
        message.Content.Append(Count(text));
        message.Logprobs = message.Logprobs.IsEmpty ? logprobs : message.Logprobs;
    }

    void IGeminiSink.OnThought(GeminiCandidate candidate, ReadOnlySpan<byte> text) => MessageOf(candidate).Reasoning.Append(Count(text));

    void IGeminiSink.OnCall(GeminiCandidate candidate, string id, JsonElement name, ReadOnlySpan<byte> arguments)
    {
        MessageOf(candidate).Calls.Add((id, name.GetString()!, arguments.ToArray()));
        _outputBytes += arguments.Length;
    }

    void IGeminiSink.OnImage(GeminiCandidate candidate, string dataUri) => MessageOf(candidate).Images.Add(dataUri);

    private void Write(OpenAiReplyWriter writer, GeminiCandidate candidate)
    {
        var message = MessageOf(candidate);
        writer.Begin(Plain(message.Content.ToString()), Plain(message.Reasoning.ToString()), WireText.None, message.Calls.Count > 0, message.Images);
        foreach (var (id, name, arguments) in message.Calls)
        {
            writer.WriteToolCall(Plain(id), Plain(name), WireText.Plain(arguments));
        }
    }

    private Message MessageOf(GeminiCandidate candidate)
    {
        if (!_messages.TryGetValue(candidate.Index, out var message))
        {
            _messages[candidate.Index] = message = new Message();
        }

        return message;
    }

    /// <summary>What the JSON string says, counted as output.</summary>
    private string Count(ReadOnlySpan<byte> json)
    {
        var reader = new Utf8JsonReader(json);
        reader.Read();
        var text = reader.GetString()!;
        _outputBytes += Encoding.UTF8.GetByteCount(text);
        return text;
    }

    private static WireText Plain(string text) => WireText.Plain(Encoding.UTF8.GetBytes(text));

    private sealed class Message
    {
        public StringBuilder Content { get; } = new();

        public StringBuilder Reasoning { get; } = new();

        public List<(string Id, string Name, byte[] Arguments)> Calls { get; } = [];

        public List<string> Images { get; } = [];

        public ReadOnlyMemory<byte> Logprobs { get; set; }
    }
}
