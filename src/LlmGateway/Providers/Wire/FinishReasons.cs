namespace LlmGateway.Providers.Wire;

/// <summary>The spelling of <see cref="FinishReason"/> on OpenAI's wire.</summary>
internal static class FinishReasons
{
    /// <param name="reason">Why the model stopped.</param>
    /// <param name="usesFunctions">Whether a call is told in its deprecated form.</param>
    public static ReadOnlySpan<byte> ToUtf8(this FinishReason reason, bool usesFunctions = false) => reason switch
    {
        FinishReason.Stop => "stop"u8,
        FinishReason.Length => "length"u8,
        FinishReason.ToolCalls when usesFunctions => "function_call"u8,
        FinishReason.ToolCalls => "tool_calls"u8,
        FinishReason.ContentFilter => "content_filter"u8,
        FinishReason.FunctionCall => "function_call"u8,
        _ => throw new ArgumentOutOfRangeException(nameof(reason)),
    };

    public static bool TryParse(string? name, out FinishReason reason)
    {
        (var known, reason) = name switch
        {
            "stop" => (true, FinishReason.Stop),
            "length" => (true, FinishReason.Length),
            "tool_calls" => (true, FinishReason.ToolCalls),
            "content_filter" => (true, FinishReason.ContentFilter),
            "function_call" => (true, FinishReason.FunctionCall),
            _ => (false, default),
        };
        return known;
    }
}
