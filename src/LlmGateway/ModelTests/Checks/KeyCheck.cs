using LlmGateway.Configuration;
using LlmGateway.Model;

namespace LlmGateway.ModelTests.Checks;

/// <summary>Which keys are there; names of variables alone, never a value.</summary>
internal static class KeyCheck
{
    public static IReadOnlyList<CheckFinding> Run(HostSettings host, GatewayConfig config, IReadOnlyList<ConfiguredModel> models)
    {
        var providers = models
            .GroupBy(model => (model.Target.Provider.Name, Variables: string.Join(" or ", model.Target.ApiKeyVariables), model.Target.LacksApiKey))
            .Where(group => group.Key.Variables.Length > 0 || group.Key.LacksApiKey)
            .Select(group => Describe(group.First().Target, [.. group.Select(model => model.Target.Model)]));
        return [ClientKeys(host, config), AdminKey(host), .. providers];
    }

    private static CheckFinding Describe(ProviderTarget target, string[] models)
    {
        var variables = string.Join(" or ", target.ApiKeyVariables);
        if (target.LacksApiKey)
        {
            return CheckFinding.Failed(
                target.Provider.Name,
                $"no key, so these are left out with missing_api_key: {string.Join(", ", models)}",
                variables.Length > 0 ? $"Set {variables}, in the environment or in .env." : $"Give the provider an api_key in llm_settings.yaml.");
        }

        return CheckFinding.Ok(target.Provider.Name, target.ApiKey is null ? $"no key, and none is needed (it would be {variables})" : variables.Length > 0 ? $"set ({variables})" : "set in llm_settings.yaml");
    }

    private static CheckFinding ClientKeys(HostSettings host, GatewayConfig config) => config.ClientKeys.Count switch
    {
        0 when host.IsAuthOff => CheckFinding.Warning("client keys", $"none, and {SettingNames.Auth}=none: everybody who reaches the gateway may use it"),
        0 => CheckFinding.Ok("client keys", "none: programs on this machine alone may call"),
        var count => CheckFinding.Ok("client keys", $"{count} ({string.Join(", ", config.ClientKeys.Values.Select(key => key.Name).Distinct().Order(StringComparer.Ordinal).Take(10))})"),
    };

    private static CheckFinding AdminKey(HostSettings host) => CheckFinding.Ok(
        SettingNames.AdminKey,
        host.AdminKey is not null ? "set" : host.IsDevelopment ? "not set: /admin is open to this machine alone" : "not set: there is no /admin");
}
