using LlmGateway.Model;

namespace LlmGateway.Profiles;

/// <summary>Whether a client key may use the agent, or the model that it names itself.</summary>
internal static class RoutePermission
{
    public static GatewayError? Check(ClientKey key, ResolvedRoute route)
    {
        var profile = route.Profile!;
        var namesTarget = route.Target is not null || route.Role is not null;
        if (key.Agents is { } agents && !namesTarget && !agents.Contains(profile.Name))
        {
            return new GatewayError(
                403, ErrorTypes.Permission, ErrorCodes.AgentNotAllowed, $"This key may not use the agent '{profile.Name}'.", "X-Agent-Profile");
        }

        if (key.Models is not { } models || (route.IsAgent && !profile.AllowsModelOverride))
        {
            return null;
        }

        var target = route.Target ?? profile.Target;
        var isAllowed = models.Contains(target.Model) || models.Contains(target.ToString()) || (route.Role is { } role && models.Contains("role:" + role));
        return isAllowed ? null : new GatewayError(403, ErrorTypes.Permission, ErrorCodes.ModelNotAllowed, "This key may not use this model.", "model");
    }
}
