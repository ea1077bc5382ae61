namespace LlmGateway.Model;

/// <summary>Price of one model in micro-dollars for a million tokens, which is dollars for a million times 10⁶: integers, so that sums are exact.</summary>
public readonly record struct ModelPrice(long InputMicroUsdPer1M, long OutputMicroUsdPer1M, long CachedInputMicroUsdPer1M)
{
    /// <summary>Cost in micro-dollars, rounded half up once per call.</summary>
    public long CostOf(in TokenUsage usage)
    {
        var uncached = (Int128)(usage.Input - usage.CachedInput) * InputMicroUsdPer1M;
        var cached = (Int128)usage.CachedInput * CachedInputMicroUsdPer1M;
        var output = (Int128)usage.Output * OutputMicroUsdPer1M;
        return (long)((uncached + cached + output + 500_000) / 1_000_000);
    }
}
