using System.Globalization;
using LlmGateway.Model;

namespace LlmGateway.Limits;

/// <summary>How much a call may use at most, as far as anybody can tell before it is made.</summary>
internal static class CallEstimate
{
    /// <summary>Output of a call for which neither client nor profile sets a limit.</summary>
    public const long UsualOutput = 4096;

    /// <summary>Above it, a limit is a way to say "none".</summary>
    public const long MostOutput = 1_000_000;

    private const long MostChoices = 1024;

    /// <summary>Prompt by its bytes, output by its limit and by what the model's window holds; an image counts as one of middle size.</summary>
    public static TokenUsage Of(GatewayRequest request, ProviderTarget target)
    {
        if (request.Operation == Operation.Passthrough)
        {
            return request.PassthroughEstimate with { IsEstimated = true };
        }

        var usage = TokenEstimate.Of(request, 0);
        return request.Operation == Operation.Embeddings ? usage : usage with { Output = OutputOf(request.Scan, target) };
    }

    private static long OutputOf(ScannedRequest scan, ProviderTarget target)
    {
        var limit = scan.OutputLimit
            ?? (long.TryParse(target.Sampling.MaxTokens, NumberStyles.None, CultureInfo.InvariantCulture, out var set) ? set : UsualOutput);
        var prompts = scan.InputCount > 1 ? scan.InputCount : 1;
        var most = target.ModelConfig?.ContextWindow ?? MostOutput;
        return Math.Clamp(limit, 0, Math.Min(most, MostOutput)) * Math.Clamp(scan.Choices, 1, MostChoices) * Math.Min(prompts, MostChoices);
    }
}
