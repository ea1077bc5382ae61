using LlmGateway.Model;

namespace LlmGateway.Profiles;

/// <summary>Which profile serves a request, and the target or role that the request itself chose, if it did.</summary>
internal readonly record struct ResolvedRoute(AgentProfile? Profile, ProviderTarget? Target, string? Role, GatewayError? Error)
{
    /// <summary>Whether the client named the agent.</summary>
    public bool IsAgent => Profile is { IsDefault: false };

    public static ResolvedRoute Failed(GatewayError error) => new(null, null, null, error);
}
