using LlmGateway.Providers.Wire;

namespace LlmGateway.Providers;

/// <summary>Why Anthropic's model stopped, in OpenAI's terms. Reasons may be added at any time: an unknown one is a plain stop.</summary>
internal static class AnthropicStopReason
{
    public static FinishReason Translate(ReadOnlySpan<byte> reason, bool hasToolCalls)
    {
        if (reason.SequenceEqual("max_tokens"u8) || reason.SequenceEqual("model_context_window_exceeded"u8))
        {
            return FinishReason.Length;
        }

        if (reason.SequenceEqual("refusal"u8))
        {
            return FinishReason.ContentFilter;
        }

        return hasToolCalls ? FinishReason.ToolCalls : FinishReason.Stop;
    }
}
