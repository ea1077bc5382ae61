using LlmGateway.Model;

namespace LlmGateway.Routing;

/// <summary>Chooses the candidates of <c>best_of_two</c> and their evaluator.</summary>
internal sealed class ContestPlanner(RoutePlanner planner)
{
    /// <summary>The request's contest; null where there can be none, and its plan runs as <c>single</c>.</summary>
    public Contest? Plan(GatewayRequest request, RoutePlan plan)
    {
        // Several choices are for the client to compare, and what only a provider of the client's own form can carry has no common form.
        if (request.Operation != Operation.ChatCompletions || request.NativeOnly is not null || request.Scan.Has(RequestFields.SeveralChoices))
        {
            return null;
        }

        var role = RoleOf(request);
        var pool = role is null ? plan.Targets.Where(target => target.OnlyAfter is null).ToList() : Pool(request, role);
        if (pool.Count < 2)
        {
            return null;
        }

        return new Contest(pool[0], pool[1], EvaluatorOf(request, role, pool[0], pool[1]));
    }

    /// <summary>
    /// The role that candidates are taken from; null: from the request's own plan. An agent that names a model of its own keeps to it and its
    /// fallbacks, and so does a request that names one: no header may send its prompt to somebody else. In development nothing leaves the machine unasked.
    /// </summary>
    private static string? RoleOf(GatewayRequest request)
    {
        var config = request.Config;
        if (request.ExplicitRole is { } asked)
        {
            return asked;
        }

        if (config.IsDevelopment || config.Roles.Count == 0)
        {
            return null;
        }

        if (request.ExplicitTarget is { } named)
        {
            return HasRole(config, ModelRoles.Primary, named) || HasRole(config, ModelRoles.Duplicate, named) ? ModelRoles.Primary : null;
        }

        return request.Profile.Role ?? (IsSame(request.Profile.Target, config.Default.Target) ? config.Default.Role ?? ModelRoles.Primary : null);
    }

    /// <summary>Usable models of the role, then of its duplicates; a model that the request names comes first.</summary>
    private List<ProviderTarget> Pool(GatewayRequest request, string role)
    {
        var config = request.Config;
        var isOwnRoute = request.ExplicitRole is not null || request.Profile.Role is not null;
        var chain = planner.Plan(request with { ExplicitRole = role, ExplicitTarget = null }).Targets;
        return
        [
            .. chain
                .Where(target => HasRole(config, role, target) || HasRole(config, ModelRoles.Duplicate, target))
                .Where(target => isOwnRoute || IsAllowed(request.Key, role, target))
                .OrderByDescending(target => request.ExplicitTarget is { } named && IsSame(named, target)),
        ];
    }

    private ProviderTarget? EvaluatorOf(GatewayRequest request, string? role, ProviderTarget first, ProviderTarget second)
    {
        var config = request.Config;
        var choice = new List<ProviderTarget>();
        if (request.Profile.Evaluator is { } name)
        {
            choice.Add(Find(config, request.Profile, name));
        }

        if (role is not null)
        {
            choice.AddRange(Models(config, ModelRoles.Duplicate).Where(target => !IsSame(target, first) && !IsSame(target, second)));
            choice.AddRange(Models(config, ModelRoles.Reserve).Where(target => !IsSame(target, first) && !IsSame(target, second)).Take(1));
        }

        choice.Add(first);
        return planner.Plan(EvaluatorRequest.Shape(request), choice).Targets is [var evaluator, ..] ? evaluator : null;
    }

    /// <summary>A listed model by its whole name, <c>provider/model</c>, else a model at the profile's own provider.</summary>
    private static ProviderTarget Find(GatewayConfig config, AgentProfile profile, string name)
    {
        if (config.ListedModels.TryGetValue(name, out var listed))
        {
            return listed;
        }

        var slash = name.IndexOf('/', StringComparison.Ordinal);
        return slash > 0 && slash < name.Length - 1 && config.Providers.TryGetValue(name[..slash], out var provider)
            ? config.MakeTarget(provider, name[(slash + 1)..])
            : config.MakeTarget(profile.Target.Provider, name) with { ApiKey = profile.Target.ApiKey, Ticket = profile.Target.Ticket };
    }

    private static IReadOnlyList<ProviderTarget> Models(GatewayConfig config, string role) => config.Roles.GetValueOrDefault(role) ?? [];

    private static bool HasRole(GatewayConfig config, string role, ProviderTarget target) => Models(config, role).Any(other => IsSame(other, target));

    /// <summary>A key that is held to some models is held to them here too.</summary>
    private static bool IsAllowed(ClientKey key, string role, ProviderTarget target) =>
        key.Models is not { } models || models.Contains(target.Model) || models.Contains(target.ToString()) || models.Contains("role:" + role);

    private static bool IsSame(ProviderTarget one, ProviderTarget other) => one.Provider.Name == other.Provider.Name && one.Model == other.Model;
}
