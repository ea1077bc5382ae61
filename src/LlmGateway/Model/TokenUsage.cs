namespace LlmGateway.Model;

/// <summary>Tokens of one provider call, in OpenAI's terms: cached input is part of input, reasoning is part of output.</summary>
public readonly record struct TokenUsage(long Input, long Output, long CachedInput = 0, long Reasoning = 0, bool IsEstimated = false)
{
    /// <summary>Counts above this are taken for a provider's mistake.</summary>
    public const long Sane = 100_000_000;

    public long Total => Input + Output;

    /// <summary>Whether the numbers can be true; what cannot is replaced by an estimate.</summary>
    public bool IsSane =>
        Input is >= 0 and <= Sane && Output is >= 0 and <= Sane && CachedInput >= 0 && CachedInput <= Input && Reasoning >= 0 && Reasoning <= Output;

    public static TokenUsage operator +(TokenUsage left, TokenUsage right) => new(
        left.Input + right.Input,
        left.Output + right.Output,
        left.CachedInput + right.CachedInput,
        left.Reasoning + right.Reasoning,
        left.IsEstimated || right.IsEstimated);
}
