using LlmGateway.Configuration.Documents;
using LlmGateway.Model;

namespace LlmGateway.Configuration.Options;

/// <summary>Reads <c>llm_settings.yaml</c>; its providers are read by <see cref="ProviderReader"/>.</summary>
internal static class SettingsFileReader
{
    public static SettingsOptions Read(ConfigNode root, DocumentScope scope)
    {
        var file = new MemberReader(root, "", scope, ConfigMembers.SettingsFile);
        var llm = file.Object("llm", ConfigMembers.Llm) ?? new MemberReader(new ConfigNode(ConfigNodeKind.Map, 1), "llm", scope, ConfigMembers.Llm);
        return new SettingsOptions
        {
            DefaultProvider = llm.Text("default_provider", Names.IsPlain, "a provider's name"),
            DefaultProviderLine = llm.LineOf("default_provider"),
            DefaultModel = llm.Text("default_model", Names.IsModel, ProviderReader.ModelCaption),
            Timeout = llm.Seconds("timeout"),
            RetryAttempts = (int?)llm.Integer("retry_attempts", 0, 10) ?? 0,
            Strategy = llm.OneOf("strategy", ConfigMembers.Strategies) ?? "single",
            Circuit = ReadCircuit(llm),
            MaxConcurrencyPerTarget = (int?)llm.Integer("max_concurrency_per_target", 1, 1_000_000),
            Roles = ReadRoles(llm),
            Providers = ProviderReader.ReadAll(file),
            McpServers = ReadMcpServers(file),
            Tools = ReadTools(file),
        };
    }

    private static CircuitConfig ReadCircuit(MemberReader llm)
    {
        if (llm.Object("circuit", ConfigMembers.Circuit) is not { } circuit)
        {
            return CircuitConfig.Default;
        }

        return new CircuitConfig
        {
            Failures = (int?)circuit.Integer("failures", 1, 1000) ?? CircuitConfig.Default.Failures,
            Break = circuit.Seconds("break_seconds", 3600) ?? CircuitConfig.Default.Break,
        };
    }

    private static Dictionary<string, IReadOnlyList<string>> ReadRoles(MemberReader llm)
    {
        var roles = new Dictionary<string, IReadOnlyList<string>>(StringComparer.Ordinal);
        if (llm.Object("model_roles", ConfigMembers.Roles) is { } reader)
        {
            foreach (var role in ConfigMembers.Roles)
            {
                if (reader.Texts(role, Names.IsModel, ProviderReader.ModelCaption) is { Count: > 0 } models)
                {
                    roles[role] = models;
                }
            }
        }

        return roles;
    }

    private static Dictionary<string, McpServerConfig> ReadMcpServers(MemberReader file)
    {
        var servers = new Dictionary<string, McpServerConfig>(StringComparer.Ordinal);
        foreach (var (name, node) in file.Map("mcp_servers"))
        {
            var reader = new MemberReader(node, MemberReader.Join("mcp_servers", name), file.Scope, ConfigMembers.McpServer);
            if (!Names.IsPlain(name))
            {
                file.Scope.Report(node.Line, reader.Path, "is not a server's name", $"Use {Names.PlainCaption}.");
            }

            if (reader.Node("url") is null == reader.Node("command") is null)
            {
                file.Scope.Report(node.Line, reader.Path, "must name either url or command");
            }

            servers.TryAdd(name, new McpServerConfig
            {
                Name = name,
                Url = ProviderReader.ReadUrl(reader, "url"),
                Headers = ProviderReader.ReadHeaders(reader),
                Command = reader.Text("command", text => text.Length > 0, "a command"),
                Arguments = reader.Texts("args") ?? [],
                Environment = reader.TextMap("env"),
            });
        }

        return servers;
    }

    private static ToolsConfig ReadTools(MemberReader file)
    {
        if (file.Object("tools", ConfigMembers.Tools) is not { } tools)
        {
            return new ToolsConfig();
        }

        return new ToolsConfig
        {
            WeatherBaseUrl = ProviderReader.ReadUrl(tools, "weather_base_url"),
            SearchBaseUrl = ProviderReader.ReadUrl(tools, "search_base_url"),
            CacheTtl = tools.SecondsOrZero("cache_ttl", 31_536_000) ?? new ToolsConfig().CacheTtl,
        };
    }
}
