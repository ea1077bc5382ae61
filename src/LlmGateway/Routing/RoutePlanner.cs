using LlmGateway.Model;
using LlmGateway.Providers;

namespace LlmGateway.Routing;

/// <summary>Makes the route plan of a request from its profile, its own wishes, roles and keys.</summary>
internal sealed class RoutePlanner(DialectSet dialects)
{
    public RoutePlan Plan(GatewayRequest request) => Plan(request, Candidates(request));

    /// <summary>The plan of a request that has only these targets to choose from.</summary>
    public RoutePlan Plan(GatewayRequest request, IEnumerable<ProviderTarget> candidates)
    {
        var usable = new List<ProviderTarget>(4);
        List<SkippedTarget>? skipped = null;
        foreach (var target in candidates)
        {
            if (usable.Contains(target))
            {
                continue;
            }

            if (WhyNot(target, request) is { } reason)
            {
                (skipped ??= []).Add(reason with { Before = usable.Count });
            }
            else
            {
                usable.Add(target);
            }
        }

        return new RoutePlan(usable, skipped ?? (IReadOnlyList<SkippedTarget>)[], MaxAttempts(request, usable.Count));
    }

    private static IEnumerable<ProviderTarget> Candidates(GatewayRequest request)
    {
        var config = request.Config;
        var profile = request.Profile;
        if (request.ExplicitRole is { } role)
        {
            return config.RoleChains[role];
        }

        if (request.ExplicitTarget is { } named)
        {
            // In development a prompt goes where the caller sent it and nowhere else.
            return config.IsDevelopment ? [named] : [named, .. profile.Fallbacks];
        }

        return profile.Role is { } start && !config.IsDevelopment && config.RoleChains.TryGetValue(start, out var chain)
            ? [.. chain, .. profile.Fallbacks]
            : [profile.Target, .. profile.Fallbacks];
    }

    private static int MaxAttempts(GatewayRequest request, int usable)
    {
        var config = request.Config;
        var followsRoles = request.ExplicitRole is not null || request.Profile.Role is not null;
        return followsRoles && !config.IsMaxRetriesSet ? Math.Max(usable, 1) * (1 + config.RetryAttempts) : 1 + config.MaxRetries;
    }

    private SkippedTarget? WhyNot(ProviderTarget target, GatewayRequest request)
    {
        if (!dialects.TryGet(target.Provider.Type, out var dialect) || !dialect!.Supports(request.Operation))
        {
            return new SkippedTarget(target, FailureReason.Unsupported, $"provider type '{target.Provider.Type}' does not serve this operation");
        }

        if (request.NativeOnly is { } what && !request.IsNativeAt(target))
        {
            return new SkippedTarget(target, FailureReason.Unsupported, $"{what} needs a provider of type '{request.NativeForm?.ProviderType}'");
        }

        if (Capabilities.WhyNot(target, request) is var (lack, param))
        {
            return new SkippedTarget(target, FailureReason.Unsupported, lack) { Param = param };
        }

        return target.LacksApiKey
            ? new SkippedTarget(target, FailureReason.MissingApiKey, $"no key: set {string.Join(" or ", target.ApiKeyVariables)}")
            : null;
    }
}
