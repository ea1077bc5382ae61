using System.Buffers;
using LlmGateway.Providers.Wire;

namespace LlmGateway.Providers;

/// <summary>Turns Ollama's whole reply into OpenAI's completion.</summary>
internal static class OllamaReply
{
    public static ProviderReply Read(ReadOnlySpan<byte> json, CompletionStamp stamp, Func<Guid> newGuid)
    {
        var line = new OllamaLine();
        if (!line.TryRead(json))
        {
            return ProviderReply.Invalid("The reply is not a JSON object.");
        }

        if (!line.Error.IsEmpty)
        {
            return ProviderReply.Failed(OllamaErrors.ReadInside(line.Error.Of(json)));
        }

        if (!line.IsLast)
        {
            return ProviderReply.Invalid("The reply does not say that it is complete.");
        }

        if (line.ToolCalls.Any(call => call.Name.Length <= 2))
        {
            return ProviderReply.Invalid("A tool call in the reply has no name.");
        }

        var content = WireText.Json(line.Content.Of(json));
        var thinking = WireText.Json(line.Thinking.Of(json));
        var outputBytes = content.Utf8Length + thinking.Utf8Length;
        var output = new ArrayBufferWriter<byte>(json.Length + 512);
        using var writer = new OpenAiReplyWriter(output, stamp);
        writer.Begin(content, thinking, WireText.None, line.ToolCalls.Count > 0);
        foreach (var call in line.ToolCalls)
        {
            var arguments = OllamaToolCalls.ReadArguments(json, call);
            outputBytes += arguments.Utf8Length;
            writer.WriteToolCall(OllamaToolCalls.ReadId(json, call, newGuid), WireText.Json(call.Name.Of(json)), arguments);
        }

        var usage = line.ReadUsage(outputBytes > 0);
        writer.End(Finish(line, line.ToolCalls.Count > 0), usage, OllamaLogprobs.Translate(line.Logprobs.Of(json)));
        return new ProviderReply(output.WrittenMemory, usage, outputBytes);
    }

    /// <summary>Ollama says <c>stop</c> after tool calls too; a hit limit stays one, because the last call may be cut off.</summary>
    public static FinishReason Finish(OllamaLine last, bool hasToolCalls) =>
        last.HitLimit ? FinishReason.Length : hasToolCalls ? FinishReason.ToolCalls : FinishReason.Stop;
}
