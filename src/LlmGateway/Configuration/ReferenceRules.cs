using LlmGateway.Configuration.Documents;
using LlmGateway.Configuration.Options;

namespace LlmGateway.Configuration;

/// <summary>Checks that what agents refer to exists: providers, tools, MCP servers, roles; in the overlays of all environments.</summary>
internal sealed class ReferenceRules(SettingsOptions settings, ProviderCatalog catalog, TargetFactory targets, string impliedProvider, Action<TargetOptions, string, string?> report)
{
    public void Check(AgentsOptions agents)
    {
        foreach (var (options, below) in agents.Agents.Values.Select(agent => (agent, agents.Default)).Prepend((agents.Default, AgentOptions.Empty)))
        {
            CheckAgent(options, below);
            foreach (var overlay in options.Environments?.Values ?? [])
            {
                CheckAgent(overlay, options.Over(below, impliedProvider));
            }
        }

        CheckTargets(agents.Fallbacks);
    }

    private void CheckAgent(AgentOptions options, AgentOptions below)
    {
        CheckProvider(options);
        CheckTargets(options.Fallbacks ?? []);
        var merged = options.Over(below, impliedProvider);
        if (merged.ModelName is { } model && catalog.Find(merged.Provider ?? impliedProvider) is { } provider)
        {
            targets.Learn(provider, model);
        }

        if (options.Role is { } role && settings.Roles.Count == 0)
        {
            report(options with { Path = $"{options.Path}.role" }, $"no model has the role \"{role}\" or a later one", "List models under llm.model_roles.");
        }

        string[] known = [.. ConfigMembers.BuiltInTools, .. settings.McpServers.Keys.Select(name => $"mcp:{name}")];
        foreach (var tool in (options.Tools ?? []).Where(tool => !known.Contains(tool)))
        {
            report(
                options with { Path = MemberReader.Join($"{options.Path}.tools", tool) },
                "is not a known tool",
                $"Did you mean \"{NearestName.Of(tool, known)}\"? Known tools: {string.Join(", ", known)}. MCP servers are listed in the settings file and named mcp:NAME.");
        }
    }

    private void CheckTargets(IEnumerable<TargetOptions> list)
    {
        foreach (var options in list)
        {
            CheckProvider(options);
            if (options is { Provider: { } name, ModelName: { } model } && catalog.Find(name) is { } provider)
            {
                targets.Learn(provider, model);
            }
        }
    }

    private void CheckProvider(TargetOptions options)
    {
        if (options.Provider is { } name && catalog.Find(name) is null)
        {
            report(
                options with { Path = $"{options.Path}.provider" },
                $"there is no provider \"{name}\"",
                $"Did you mean \"{NearestName.Of(name, catalog.Names)}\"? Others are listed under providers in the settings file.");
        }
    }
}
