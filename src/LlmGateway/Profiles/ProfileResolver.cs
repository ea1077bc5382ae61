using LlmGateway.Model;

namespace LlmGateway.Profiles;

/// <summary>Chooses the agent profile (body, header, path, model alias, none) and what the request's <c>model</c> means beside it.</summary>
internal static class ProfileResolver
{
    private const string AgentAlias = "agent:";
    private const string RoleAlias = "role:";

    /// <param name="config">The request's snapshot.</param>
    /// <param name="header">Value of <c>X-Agent-Profile</c>.</param>
    /// <param name="path">Name in <c>/agents/{name}/v1/…</c>.</param>
    /// <param name="model">The request's <c>model</c>.</param>
    /// <param name="keepsModel">Whether another model's answer would be no answer (vectors of two models cannot be compared): a name that no
    /// file lists then goes to the default profile's provider as it is.</param>
    /// <param name="body">Name in the body's own <c>agent</c>, in the forms that have one.</param>
    public static ResolvedRoute Resolve(GatewayConfig config, string? header, string? path, string? model, bool keepsModel = false, string? body = null)
    {
        var alias = model is not null && model.StartsWith(AgentAlias, StringComparison.Ordinal) ? model[AgentAlias.Length..] : null;
        var named = NullIfEmpty(body) ?? NullIfEmpty(header) ?? NullIfEmpty(path);
        var agent = named ?? alias;
        if (agent is null)
        {
            return WithoutAgent(config, NullIfEmpty(model), keepsModel);
        }

        if (!config.Agents.TryGetValue(agent, out var profile))
        {
            return ResolvedRoute.Failed(UnknownAgent(config, agent, named is null ? "model" : string.IsNullOrEmpty(body) && !string.IsNullOrEmpty(header) ? "X-Agent-Profile" : "agent"));
        }

        var isPlainName = !string.IsNullOrEmpty(model) && alias is null && !model.StartsWith(RoleAlias, StringComparison.Ordinal);
        return profile.AllowsModelOverride && isPlainName
            ? new ResolvedRoute(WithModel(config, profile, model!), null, null, null)
            : new ResolvedRoute(profile, null, null, null);
    }

    private static ResolvedRoute WithoutAgent(GatewayConfig config, string? model, bool keepsModel)
    {
        var profile = config.Default;
        if (model is null)
        {
            return new ResolvedRoute(profile, null, null, null);
        }

        if (model.StartsWith(RoleAlias, StringComparison.Ordinal))
        {
            var role = model[RoleAlias.Length..];
            return config.RoleChains.TryGetValue(role, out var chain) && chain.Count > 0
                ? new ResolvedRoute(profile, null, role, null)
                : ResolvedRoute.Failed(UnknownRole(config, role));
        }

        // A bare name stays on this machine in development, unless it is one of Ollama's own.
        if (config.ListedModels.TryGetValue(model, out var listed) && (!config.IsDevelopment || listed.Provider.Name == profile.Target.Provider.Name))
        {
            return new ResolvedRoute(profile, listed, null, null);
        }

        var slash = model.IndexOf('/', StringComparison.Ordinal);
        if (slash > 0 && slash < model.Length - 1 && config.Providers.TryGetValue(model[..slash], out var provider))
        {
            return new ResolvedRoute(profile, config.MakeTarget(provider, model[(slash + 1)..]), null, null);
        }

        if (keepsModel)
        {
            return new ResolvedRoute(WithModel(config, profile, model) with { Role = null }, null, null, null);
        }

        return profile.AllowsModelOverride
            ? new ResolvedRoute(WithModel(config, profile, model), null, null, null)
            : new ResolvedRoute(profile, null, null, null);
    }

    /// <summary>The profile with another model at its own provider; key, sampling and limits stay the profile's.</summary>
    private static AgentProfile WithModel(GatewayConfig config, AgentProfile profile, string model)
    {
        if (model == profile.Target.Model)
        {
            return profile;
        }

        var known = profile.Target.Provider.Models.TryGetValue(model, out var modelConfig) || config.MakeTarget(profile.Target.Provider, model).IsConfigured;
        return profile with { Target = profile.Target with { Model = model, ModelConfig = modelConfig, IsConfigured = known } };
    }

    private static string? NullIfEmpty(string? text) => string.IsNullOrEmpty(text) ? null : text;

    private static GatewayError UnknownAgent(GatewayConfig config, string agent, string parameter)
    {
        var known = config.Agents.Count == 0 ? "none is configured" : "known agents: " + string.Join(", ", config.Agents.Keys.Order(StringComparer.Ordinal));
        return new GatewayError(404, ErrorTypes.InvalidRequest, ErrorCodes.AgentNotFound, $"There is no agent '{ShortName.Of(agent)}'; {known}.", parameter);
    }

    private static GatewayError UnknownRole(GatewayConfig config, string role)
    {
        var known = config.RoleChains.Where(chain => chain.Value.Count > 0).Select(chain => chain.Key).ToArray();
        var list = known.Length == 0 ? "no model roles are configured" : "known roles: " + string.Join(", ", known);
        return new GatewayError(404, ErrorTypes.InvalidRequest, ErrorCodes.ModelNotFound, $"There is no model role '{ShortName.Of(role)}'; {list}.", "model");
    }
}
