using System.Buffers;
using LlmGateway.Providers.Wire;

namespace LlmGateway.Providers;

/// <summary>Translates the lines of Ollama's stream into OpenAI's chunks.</summary>
internal sealed class OllamaStreamTranslator(CompletionStamp stamp, bool tellsUsage, Func<Guid> newGuid) : StreamTranslator(WireFraming.JsonLines)
{
    private readonly OllamaLine _line = new();
    private readonly OpenAiChunkWriter _chunks = new(stamp, tellsUsage);
    private bool _hasRole;
    private int _toolCalls;

    public override void OnEvent(in WireEvent wireEvent, IBufferWriter<byte> output)
    {
        if (IsDone || Error is not null)
        {
            return;
        }

        var json = wireEvent.Data;
        if (!_line.TryRead(json))
        {
            FailInvalid("A line of the stream is not a JSON object.");
            return;
        }

        // The status is 200 by now: an error is known only by its member.
        if (!_line.Error.IsEmpty)
        {
            Error = OllamaErrors.ReadInside(_line.Error.Of(json));
            return;
        }

        // The order within a line is the order in which a model speaks; the last line may carry any of it.
        WriteText(json, output);
        WriteToolCalls(json, output);
        if (_line.IsLast && Error is null)
        {
            WriteFinish(output);
        }
    }

    public override void OnEnd(IBufferWriter<byte> output)
    {
        if (!HasFinish || Error is not null)
        {
            return;
        }

        if (tellsUsage && (Usage ?? EstimatedUsage) is { } usage)
        {
            _chunks.WriteUsage(output, usage);
        }

        OpenAiChunkWriter.WriteDone(output);
    }

    private void WriteText(ReadOnlySpan<byte> json, IBufferWriter<byte> output)
    {
        var thinking = WireText.Json(_line.Thinking.Of(json));
        var content = WireText.Json(_line.Content.Of(json));
        var logprobs = OllamaLogprobs.Translate(_line.Logprobs.Of(json));
        if (!thinking.IsEmpty)
        {
            WriteRoleOnce(output);
            _chunks.WriteReasoning(output, thinking, content.IsEmpty ? logprobs : default);
            CountOutput(thinking.Utf8Length);
            HasFirstToken = true;
        }

        if (!content.IsEmpty || (thinking.IsEmpty && !logprobs.IsEmpty))
        {
            WriteRoleOnce(output);
            _chunks.WriteContent(output, content, logprobs);
            CountOutput(content.Utf8Length);
            HasFirstToken |= !content.IsEmpty;
        }
    }

    /// <summary>Calls come whole. Their index is counted here: older servers say 0 for each.</summary>
    private void WriteToolCalls(ReadOnlySpan<byte> json, IBufferWriter<byte> output)
    {
        foreach (var call in _line.ToolCalls)
        {
            if (call.Name.Length <= 2)
            {
                FailInvalid("A tool call in the stream has no name.");
                return;
            }

            WriteRoleOnce(output);
            var arguments = OllamaToolCalls.ReadArguments(json, call);
            _chunks.WriteToolCallStart(output, _toolCalls, OllamaToolCalls.ReadId(json, call, newGuid), WireText.Json(call.Name.Of(json)));
            _chunks.WriteToolCallArguments(output, _toolCalls, arguments);
            CountOutput(arguments.Utf8Length);
            _toolCalls++;
            HasFirstToken = true;
        }
    }

    private void WriteFinish(IBufferWriter<byte> output)
    {
        WriteRoleOnce(output);
        _chunks.WriteFinish(output, OllamaReply.Finish(_line, _toolCalls > 0));
        Usage = _line.ReadUsage(TokensSeen > 0);
        HasFirstToken = HasFinish = IsDone = true;
    }

    private void WriteRoleOnce(IBufferWriter<byte> output)
    {
        if (!_hasRole)
        {
            _hasRole = true;
            _chunks.WriteRole(output);
        }
    }
}
