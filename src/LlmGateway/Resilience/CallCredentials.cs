using LlmGateway.Model;

namespace LlmGateway.Resilience;

/// <summary>What the gateway identifies itself with in a call: two profiles may call the same model with different ones.</summary>
/// <param name="Key">The provider's key.</param>
/// <param name="Ticket">The department ticket, where the provider gets one.</param>
internal readonly record struct CallCredentials(string? Key, string? Ticket)
{
    /// <summary>Those of a request's call; without a request, those that a call without identity would have.</summary>
    public static CallCredentials Of(ProviderTarget target, GatewayRequest? request = null) =>
        new(target.ApiKey, target.Provider.IdentityHeaders is null ? null : request?.Identity.Ticket ?? target.Ticket);

    /// <summary>Secrets: not shown.</summary>
    public override string ToString() => nameof(CallCredentials);
}
