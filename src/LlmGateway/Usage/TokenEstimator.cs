using LlmGateway.Model;

namespace LlmGateway.Usage;

/// <summary>
/// Guesses token counts where no provider reports them: four bytes of UTF-8 are about one token, in most languages and tokenizers within a third.
/// What comes of it is always marked as an estimate.
/// </summary>
public static class TokenEstimator
{
    /// <summary>What an embedded image counts, whatever its size in base64: a middle-sized one by OpenAI's rule.</summary>
    public const int ImageTokens = 765;

    private const int BytesPerToken = 4;

    /// <summary>Tokens of a prompt, from the JSON of its <c>messages</c>.</summary>
    public static long PromptTokens(ReadOnlySpan<byte> messages)
    {
        long bytes = messages.Length;
        var images = 0L;
        for (var start = messages.IndexOf(";base64,"u8); start >= 0; start = messages.IndexOf(";base64,"u8))
        {
            messages = messages[(start + ";base64,".Length)..];
            var end = messages.IndexOf((byte)'"');
            var data = end < 0 ? messages.Length : end;
            bytes -= data;
            images++;
            messages = messages[data..];
        }

        return OutputTokens(bytes) + (images * ImageTokens);
    }

    /// <summary>Tokens of an answer, from the UTF-8 bytes of its text. Something is never nothing.</summary>
    public static long OutputTokens(long bytes) => bytes <= 0 ? 0 : (bytes + BytesPerToken - 1) / BytesPerToken;

    /// <summary>The estimate for a call that ended without a report.</summary>
    public static TokenUsage Estimate(GatewayRequest request, long outputBytes)
    {
        ArgumentNullException.ThrowIfNull(request);
        return new(PromptTokens(request.Scan.MessagesValue.Of(request.Body.Span)), OutputTokens(outputBytes), IsEstimated: true);
    }
}
