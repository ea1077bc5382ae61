using System.Text;

namespace LlmGateway.Model;

/// <summary>
/// Guesses token counts where no provider reports them: four bytes of UTF-8 are about one token, in most languages and tokenizers within a
/// third. What comes of it is always marked as an estimate.
/// </summary>
public static class TokenEstimate
{
    /// <summary>What an embedded image counts, whatever its size in base64: a middle-sized one by OpenAI's rule.</summary>
    public const int ImageTokens = 765;

    private const int BytesPerToken = 4;

    /// <summary>Tokens of a text, from its UTF-8 bytes. Something is never nothing.</summary>
    public static long OfText(long utf8Bytes) => utf8Bytes <= 0 ? 0 : (utf8Bytes + BytesPerToken - 1) / BytesPerToken;

    /// <summary>Tokens of a prompt, from the JSON of its <c>messages</c>.</summary>
    /// <param name="messages">The JSON.</param>
    /// <param name="imageCount">How many images it is known to hold, those included that it only gives the address of.</param>
    public static long OfPrompt(ReadOnlySpan<byte> messages, int imageCount = 0)
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

        return OfText(bytes) + (Math.Max(images, imageCount) * ImageTokens);
    }

    /// <summary>The estimate for a call of which only the output was counted.</summary>
    public static TokenUsage Of(GatewayRequest request, long outputTokens) => new(OfInput(request), outputTokens, IsEstimated: true);

    // The profile's prompt is not in the body: it is put in front when the provider's request is written.
    private static long OfInput(GatewayRequest request) =>
        OfBody(request) + (request.Operation is Operation.ChatCompletions or Operation.Completions ? OfText(Encoding.UTF8.GetByteCount(request.Profile.SystemPrompt ?? "")) : 0);

    /// <summary>Counted once for each body: journal, limits and capabilities ask for it, and a long prompt is long to look through.</summary>
    private static long OfBody(GatewayRequest request)
    {
        var scan = request.Scan;
        return scan.PromptTokens is > 0 and var known ? known : scan.PromptTokens = OfBody(scan, scan.PromptValue.Of(request.Body.Span));
    }

    // Token numbers need no guess: each comma parts two of them.
    private static long OfBody(ScannedRequest scan, ReadOnlySpan<byte> prompt) =>
        scan.InputKind is InputKind.Tokens or InputKind.TokenLists ? 1 + prompt.Count((byte)',') : OfPrompt(prompt, scan.ImageCount) + OfText(scan.DefinitionBytes);
}
