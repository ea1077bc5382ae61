namespace LlmGateway.Resilience;

/// <summary>A key that the provider has refused; profiles with other keys of the same model go on.</summary>
/// <param name="Key">The key itself; it stays in memory alone.</param>
/// <param name="Until">Time stamp until which it is not tried again.</param>
internal sealed record RefusedKey(string Key, long Until)
{
    /// <summary>The key is a secret.</summary>
    public override string ToString() => nameof(RefusedKey);
}
