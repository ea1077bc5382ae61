namespace LlmGateway.Configuration;

/// <summary>One client key of <c>GATEWAY_API_KEYS</c>, in the clear.</summary>
public sealed record ClientSecret(string Name, string Key)
{
    public override string ToString() => Name;
}
