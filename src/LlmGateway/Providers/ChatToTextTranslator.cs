using System.Buffers;
using LlmGateway.Providers.Wire;

namespace LlmGateway.Providers;

/// <summary>Has a stream translated into chat chunks, and those into the chunks of a legacy completion.</summary>
internal sealed class ChatToTextTranslator(StreamTranslator chat) : StreamTranslator(chat.Framing)
{
    private readonly ArrayBufferWriter<byte> _events = new(1024);

    public override void OnEvent(in WireEvent wireEvent, IBufferWriter<byte> output)
    {
        chat.OnEvent(wireEvent, _events);
        Pass(output);
    }

    public override void OnEnd(IBufferWriter<byte> output)
    {
        chat.EstimatedUsage = EstimatedUsage;
        chat.OnEnd(_events);
        Pass(output);
    }

    private void Pass(IBufferWriter<byte> output)
    {
        HasFirstToken = chat.HasFirstToken;
        HasFinish = chat.HasFinish;
        IsDone = chat.IsDone;
        Error = chat.Error;
        Usage = chat.Usage;
        TokensSeen = chat.TokensSeen;

        // Whole events, always: they were written a moment ago.
        var framer = new SseFramer();
        var unread = _events.WrittenSpan;
        while (framer.TryRead(unread, isFinal: true, out var chunk, out var consumed))
        {
            if (!TextCompletion.TryWriteChunk(chunk, output))
            {
                FailInvalid("a stream event held no text");
            }

            unread = unread[consumed..];
        }

        _events.ResetWrittenCount();
    }
}
