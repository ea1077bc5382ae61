namespace LlmGateway.Model;

/// <summary>What tokens cost, in micro-dollars, by their type: each is in one of them, so that they add up.</summary>
/// <param name="Input">Input that came from no cache.</param>
/// <param name="CachedInput">Input that the provider had in its cache.</param>
/// <param name="Output">Output, with the reasoning.</param>
public readonly record struct TokenCosts(long Input, long CachedInput, long Output)
{
    public long Total => Input + CachedInput + Output;

    public static TokenCosts operator +(TokenCosts left, TokenCosts right) => left.Add(right);

    public TokenCosts Add(TokenCosts other) => new(Input + other.Input, CachedInput + other.CachedInput, Output + other.Output);
}
