using System.Text.Encodings.Web;
using System.Text.Json;
using LlmGateway.Configuration.Documents;
using LlmGateway.Model;

namespace LlmGateway.Configuration.Options;

/// <summary>Reads <c>agent_llm_config.json</c>, member by member, reporting everything that is wrong.</summary>
internal static class AgentsFileReader
{
    private const int MaxAgents = 1000;

    private static readonly JsonWriterOptions Relaxed = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static AgentsOptions Read(ConfigNode root, DocumentScope scope)
    {
        var file = new MemberReader(root, "", scope, ConfigMembers.AgentsFile);
        var fallback = file.Object("fallback_settings", ConfigMembers.FallbackSettings);
        return new AgentsOptions
        {
            Default = file.Node("default") is { } node ? ReadAgent(node, "default", scope, ConfigMembers.Agent) : AgentOptions.Empty,
            Agents = ReadAgents(file),
            IsFallbackEnabled = fallback?.Flag("enabled") ?? true,
            MaxRetries = (int?)fallback?.Integer("max_retries", 0, 10),
            Fallbacks = (fallback is null ? null : ReadFallbacks(fallback, "providers")) ?? [],
        };
    }

    private static Dictionary<string, AgentOptions> ReadAgents(MemberReader file)
    {
        var agents = new Dictionary<string, AgentOptions>(StringComparer.Ordinal);
        foreach (var (name, node) in file.Map("agents"))
        {
            var path = MemberReader.Join("agents", name);
            if (!Names.IsPlain(name))
            {
                file.Scope.Report(node.Line, path, "is not an agent's name", $"Use {Names.PlainCaption}.");
            }
            else if (agents.Count == MaxAgents)
            {
                file.Scope.Report(node.Line, path, $"there are more than {MaxAgents} agents");
                break;
            }
            else
            {
                agents.TryAdd(name, ReadAgent(node, path, file.Scope, ConfigMembers.Agent));
            }
        }

        return agents;
    }

    private static AgentOptions ReadAgent(ConfigNode node, string path, DocumentScope scope, IReadOnlyList<string> known)
    {
        var reader = new MemberReader(node, path, scope, known);
        return new AgentOptions(ReadTarget(reader, node, path))
        {
            SystemPrompt = reader.Text("system_prompt"),
            Strategy = reader.OneOf("strategy", ConfigMembers.Strategies),
            Fallbacks = ReadFallbacks(reader, "fallbacks"),
            FallbackOn = ReadReasons(reader),
            Role = reader.OneOf("role", ConfigMembers.Roles),
            FreeOnly = reader.Flag("free_only"),
            CacheTtl = reader.SecondsOrZero("cache_ttl", 31_536_000),
            Tools = reader.Texts("tools"),
            AllowModelOverride = reader.Flag("allow_model_override"),
            Evaluator = ReadModel(reader, "evaluator"),
            HedgeAfter = reader.Milliseconds("hedge_after_ms", 600_000, allowsZero: false),
            Environments = known.Contains("environments") ? ReadEnvironments(reader) : null,
        };
    }

    private static Dictionary<string, AgentOptions>? ReadEnvironments(MemberReader agent)
    {
        if (agent.Node("environments") is null)
        {
            return null;
        }

        var overlays = new Dictionary<string, AgentOptions>(StringComparer.OrdinalIgnoreCase);
        foreach (var (name, node) in agent.Map("environments"))
        {
            var path = MemberReader.Join(agent.PathOf("environments"), name);
            if (!overlays.TryAdd(name, ReadAgent(node, path, agent.Scope, ConfigMembers.Overlay)))
            {
                agent.Scope.Report(node.Line, path, "stands there twice (names match without case)", "Keep one of the two.");
            }
        }

        return overlays;
    }

    private static List<TargetOptions>? ReadFallbacks(MemberReader owner, string name)
    {
        if (owner.Node(name) is not { } list)
        {
            return null;
        }

        if (list.Kind != ConfigNodeKind.List)
        {
            owner.Report(name, "must be a list of objects");
            return null;
        }

        return [.. list.Items.Select((item, index) => ReadFallback(item, $"{owner.PathOf(name)}[{index}]", owner.Scope))];
    }

    private static TargetOptions ReadFallback(ConfigNode node, string path, DocumentScope scope)
    {
        var reader = new MemberReader(node, path, scope, ConfigMembers.Fallback);
        if (reader.Node("provider") is null && reader.Node("model_name") is null)
        {
            scope.Report(node.Line, path, "names neither provider nor model_name", "Name at least one of them.");
        }

        return ReadTarget(reader, node, path);
    }

    private static TargetOptions ReadTarget(MemberReader reader, ConfigNode node, string path) =>
        new()
        {
            Provider = reader.Text("provider", Names.IsPlain, "a provider's name"),
            ModelName = ReadModel(reader, "model_name"),
            ApiKeyEnv = ReadVariable(reader, "api_key_env"),
            Temperature = reader.Number("temperature", 0, 2),
            MaxTokens = ReadCount(reader, "max_tokens"),
            TopP = reader.Number("top_p", 0, 1),
            Stop = ReadStop(reader),
            Seed = ReadSeed(reader),
            ReasoningEffort = ReadEffort(reader),
            WantsJson = ReadFormat(reader),
            Timeout = reader.Seconds("timeout"),
            TicketEnv = ReadVariable(reader, "ticket_env"),
            Line = node.Line,
            Path = path,
        };

    private static string? ReadModel(MemberReader reader, string name) =>
        reader.Text(name, Names.IsModel, "a model's name: 1 to 256 printable ASCII characters without spaces");

    /// <summary>The message never shows the text: it may be the key itself, put in the wrong place.</summary>
    private static string? ReadVariable(MemberReader reader, string name) =>
        reader.Text(name, SettingNames.IsVariable, "the name of a variable (A-Z 0-9 _), not the secret itself");

    private static string? ReadCount(MemberReader reader, string name) =>
        reader.Integer(name, 1, int.MaxValue) is null ? null : reader.Node(name)!.Text;

    private static string? ReadSeed(MemberReader reader) =>
        reader.Integer("seed", long.MinValue, long.MaxValue) is null ? null : reader.Node("seed")!.Text;

    private static bool? ReadFormat(MemberReader reader) =>
        reader.OneOf("response_format", "text", "json") is { } format ? format == "json" : null;

    private static string? ReadEffort(MemberReader reader) =>
        reader.Text("reasoning_effort", text => text.Length is > 0 and <= 16 && text.All(char.IsAsciiLetterLower), "a word such as low, medium or high") is { } effort
            ? $"\"{effort}\""
            : null;

    private static string? ReadStop(MemberReader reader)
    {
        if (reader.Node("stop") is not { } node)
        {
            return null;
        }

        var texts = node.Kind == ConfigNodeKind.List ? reader.Texts("stop") : reader.Text("stop") is { } one ? [one] : null;
        if (texts is null || texts.Count is 0 or > 16 || texts.Any(text => text.Length == 0))
        {
            if (texts is not null)
            {
                reader.Report("stop", "must be one text, or a list of 1 to 16, none of them empty");
            }

            return null;
        }

        var buffer = new System.Buffers.ArrayBufferWriter<byte>();
        using var writer = new Utf8JsonWriter(buffer, Relaxed);
        if (node.Kind == ConfigNodeKind.List)
        {
            writer.WriteStartArray();
            foreach (var text in texts)
            {
                writer.WriteStringValue(text);
            }

            writer.WriteEndArray();
        }
        else
        {
            writer.WriteStringValue(texts[0]);
        }

        writer.Flush();
        return System.Text.Encoding.UTF8.GetString(buffer.WrittenSpan);
    }

    private static HashSet<FailureReason>? ReadReasons(MemberReader reader)
    {
        if (reader.Texts("fallback_on", FailureReasons.ForFallback.Contains, $"one of {string.Join(", ", FailureReasons.ForFallback)}") is not { } names)
        {
            return null;
        }

        var reasons = new HashSet<FailureReason>();
        foreach (var name in names)
        {
            if (FailureReasons.TryParse(name, out var reason))
            {
                reasons.Add(reason);
            }
        }

        return reasons;
    }
}
