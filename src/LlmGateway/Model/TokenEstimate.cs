namespace LlmGateway.Model;

/// <summary>Tokens where no provider counted them: about four bytes of text each. Marked as an estimate wherever it goes.</summary>
public static class TokenEstimate
{
    private const int BytesPerToken = 4;

    /// <summary>An image costs about this many tokens, whatever its bytes.</summary>
    private const int ImageTokens = 800;

    public static long OfText(long utf8Bytes) => (utf8Bytes + BytesPerToken - 1) / BytesPerToken;

    /// <summary>The prompt's estimate with an output that was counted elsewhere.</summary>
    public static TokenUsage Of(GatewayRequest request, long outputTokens)
    {
        var messages = (long)request.Scan.MessagesValue.Length;
        var input = request.Scan.HasImages ? Math.Min(OfText(messages), OfText(Math.Min(messages, 16 * 1024)) + ImageTokens) : OfText(messages);
        return new TokenUsage(input, outputTokens, IsEstimated: true);
    }
}
