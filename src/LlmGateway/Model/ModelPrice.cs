namespace LlmGateway.Model;

/// <summary>Price of one model in micro-dollars for a million tokens, which is dollars for a million times 10⁶: integers, so that sums are exact.</summary>
public readonly record struct ModelPrice(long InputMicroUsdPer1M, long OutputMicroUsdPer1M, long CachedInputMicroUsdPer1M)
{
    /// <summary>Cost in micro-dollars, rounded half up once per call.</summary>
    public long CostOf(in TokenUsage usage) => CostsOf(usage).Total;

    /// <summary>The same by type: what rounding takes from one goes to the next, so that they are the cost of the call together.</summary>
    public TokenCosts CostsOf(in TokenUsage usage)
    {
        var uncached = (Int128)(usage.Input - usage.CachedInput) * InputMicroUsdPer1M;
        var cached = (Int128)usage.CachedInput * CachedInputMicroUsdPer1M;
        var output = (Int128)usage.Output * OutputMicroUsdPer1M;
        var (first, second, all) = (Rounded(uncached), Rounded(uncached + cached), Rounded(uncached + cached + output));
        return new(first, second - first, all - second);
    }

    private static long Rounded(Int128 amount) => (long)((amount + 500_000) / 1_000_000);
}
