using System.Buffers;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using LlmGateway.Providers.Wire;

namespace LlmGateway.Providers;

/// <summary>
/// Translates Gemini's stream into OpenAI's chunks. It has no mark of its end: the body ends, and only then is the finish told, because
/// old models give a reason with every chunk and new ones send the call before the reason.
/// </summary>
internal sealed class GeminiStreamTranslator(CompletionStamp stamp, bool tellsUsage, GeminiCallMemory memory, Func<Guid> newGuid)
    : StreamTranslator(WireFraming.ServerSentEvents), IGeminiSink
{
    private readonly OpenAiChunkWriter _chunks = new(stamp, tellsUsage);
    private readonly HashSet<int> _withRole = [];
    private GeminiReader? _reader;
    private IBufferWriter<byte>? _output;

    private GeminiReader Reader => _reader ??= new GeminiReader(this, newGuid);

    public override void OnEvent(in WireEvent wireEvent, IBufferWriter<byte> output)
    {
        if (Error is not null)
        {
            return;
        }

        // A raw JSON body (an error, or a list of chunks) has no data lines: the framer hands it out as one event at the end.
        var json = wireEvent.Data.IsEmpty ? wireEvent.Raw.Trim(" \t\r\n"u8) : wireEvent.Data;
        if (json.IsEmpty || (wireEvent.Data.IsEmpty && json[0] is not ((byte)'{' or (byte)'[')))
        {
            return;
        }

        _output = output;
        if (!Reader.TryRead(json))
        {
            FailInvalid("An event of the stream is not a JSON object.");
            return;
        }

        Error = Reader.Error;
        if (Error is null)
        {
            Usage = Reader.Usage;
            HasFinish = Reader.IsComplete;
            HasFirstToken |= HasFinish;
        }
    }

    public override void OnEnd(IBufferWriter<byte> output)
    {
        if (!HasFinish || Error is not null)
        {
            return;
        }

        _output = output;
        foreach (var candidate in Reader.Candidates)
        {
            candidate.KeepCalls(memory);
            Enter(candidate);
            _chunks.WriteFinish(output, candidate.Finish);
        }

        if (tellsUsage && (Usage ?? EstimatedUsage) is { } usage)
        {
            _chunks.WriteUsage(output, usage);
        }

        OpenAiChunkWriter.WriteDone(output);
    }

    void IGeminiSink.OnText(GeminiCandidate candidate, ReadOnlySpan<byte> text, ReadOnlyMemory<byte> logprobs)
    {
        var content = WireText.Json(text);
        _chunks.WriteContent(Enter(candidate), content, logprobs.Span);
        Saw(content.Utf8Length);
    }

    void IGeminiSink.OnThought(GeminiCandidate candidate, ReadOnlySpan<byte> text)
    {
        var thought = WireText.Json(text);
        _chunks.WriteReasoning(Enter(candidate), thought);
        Saw(thought.Utf8Length);
    }

    void IGeminiSink.OnCall(GeminiCandidate candidate, string id, JsonElement name, ReadOnlySpan<byte> arguments)
    {
        var output = Enter(candidate);
        var index = candidate.CallCount - 1;
        _chunks.WriteToolCallStart(output, index, WireText.Plain(Encoding.UTF8.GetBytes(id)), WireText.Json(JsonMarshal.GetRawUtf8Value(name)));
        _chunks.WriteToolCallArguments(output, index, WireText.Plain(arguments));
        Saw(arguments.Length);
    }

    void IGeminiSink.OnImage(GeminiCandidate candidate, string dataUri)
    {
        _chunks.WriteImage(Enter(candidate), dataUri);
        HasFirstToken = true;
    }

    private void Saw(int bytes)
    {
        CountOutput(bytes);
        HasFirstToken = true;
    }

    private IBufferWriter<byte> Enter(GeminiCandidate candidate)
    {
        _chunks.Choice = candidate.Index;
        if (_withRole.Add(candidate.Index))
        {
            _chunks.WriteRole(_output!);
        }

        return _output!;
    }
}
