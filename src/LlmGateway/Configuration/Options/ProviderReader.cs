using LlmGateway.Configuration.Documents;
using LlmGateway.Model;

namespace LlmGateway.Configuration.Options;

/// <summary>Reads the <c>providers</c> of <c>llm_settings.yaml</c>.</summary>
internal static class ProviderReader
{
    public const string ModelCaption = "a model's name: 1 to 256 printable ASCII characters without spaces";

    /// <summary>Headers that belong to the connection, not to the call.</summary>
    private static readonly string[] ConnectionHeaders =
        ["Connection", "Content-Length", "Content-Type", "Host", "Keep-Alive", "Proxy-Connection", "TE", "Trailer", "Transfer-Encoding", "Upgrade"];

    private static readonly string[] Failures = ["timeout", "connection", "cut", "stall", "garbage", "error_in_stream", "empty"];

    public static List<ProviderOptions> ReadAll(MemberReader file)
    {
        var providers = new List<ProviderOptions>();
        foreach (var (name, node) in file.Map("providers"))
        {
            var path = MemberReader.Join("providers", name);
            if (!Names.IsPlain(name))
            {
                file.Scope.Report(node.Line, path, "is not a provider's name", $"Use {Names.PlainCaption}.");
                continue;
            }

            var canonical = ProviderNames.Canonical(name);
            if (providers.Any(other => ProviderNames.AreSame(other.Name, canonical)))
            {
                file.Scope.Report(node.Line, path, "stands there twice (names match without case; google is gemini)", "Keep one of the two.");
                continue;
            }

            providers.Add(Read(node, canonical, path, file.Scope));
        }

        return providers;
    }

    /// <summary>An address without anything that could hide a secret or change what is asked for.</summary>
    public static Uri? ReadUrl(MemberReader reader, string name)
    {
        if (reader.Text(name) is not { } text)
        {
            return null;
        }

        if (BaseUrls.TryParse(text, out var url, out var reason))
        {
            return url;
        }

        reader.Report(name, reason);
        return null;
    }

    public static IReadOnlyList<KeyValuePair<string, string>> ReadHeaders(MemberReader reader)
    {
        var headers = reader.TextMap("headers");
        foreach (var (name, value) in headers)
        {
            var path = MemberReader.Join(reader.PathOf("headers"), name);
            if (!Names.IsToken(name) || ConnectionHeaders.Contains(name, StringComparer.OrdinalIgnoreCase))
            {
                reader.Scope.Report(reader.LineOf("headers"), path, "is not the name of a header that can be set here");
            }
            else if (!Names.IsPrintable(value))
            {
                reader.Scope.Report(reader.LineOf("headers"), path, "must be printable ASCII");
            }
        }

        return headers;
    }

    private static ProviderOptions Read(ConfigNode node, string name, string path, DocumentScope scope)
    {
        var reader = new MemberReader(node, path, scope, ConfigMembers.Provider);
        var key = reader.Node("api_key");
        return new ProviderOptions
        {
            Name = name,
            Type = reader.OneOf("type", ConfigMembers.ProviderTypes),
            BaseUrl = ReadUrl(reader, "base_url"),
            ApiKey = key is null or { MissingVariable: not null } ? null : ReadKey(reader),
            NamesApiKey = key is not null,
            ApiKeyVariables = key?.Variables ?? [],
            Headers = ReadHeaders(reader),
            Models = ReadModels(reader),
            StreamUsage = reader.Flag("stream_usage"),
            IdentityHeaders = ReadIdentityHeaders(reader),
            Trace = reader.Flag("trace"),
            ApiVersion = reader.Text("api_version", Names.IsModel, "printable ASCII without spaces"),
            Flavor = reader.OneOf("flavor", ConfigMembers.Flavors),
            HttpVersion = reader.OneOf("http_version", ConfigMembers.HttpVersions),
            Timeout = reader.Seconds("timeout"),
            Behavior = ReadBehavior(reader),
            Line = node.Line,
            Path = path,
        };
    }

    private static string? ReadKey(MemberReader reader) =>
        reader.TextOf(reader.Node("api_key")!, reader.PathOf("api_key"), text => Names.IsSecret(text.Trim()), "printable ASCII without spaces")?.Trim();

    private static List<ModelConfig> ReadModels(MemberReader provider)
    {
        if (provider.Node("models") is { Kind: ConfigNodeKind.List })
        {
            var names = provider.Texts("models", Names.IsModel, ModelCaption) ?? [];
            return [.. names.Distinct(StringComparer.Ordinal).Select(name => new ModelConfig { Name = name })];
        }

        var models = new List<ModelConfig>();
        foreach (var (name, node) in provider.Map("models"))
        {
            var reader = new MemberReader(node, MemberReader.Join(provider.PathOf("models"), name), provider.Scope, ConfigMembers.Model);
            if (!Names.IsModel(name))
            {
                provider.Scope.Report(node.Line, reader.Path, $"must be {ModelCaption}");
                continue;
            }

            var isFree = reader.Flag("free") ?? false;
            models.Add(new ModelConfig
            {
                Name = name,
                ContextWindow = (int?)reader.Integer("context_window", 1, int.MaxValue),
                SupportsTools = reader.Flag("supports_tools"),
                SupportsVision = reader.Flag("supports_vision"),
                SupportsJsonSchema = reader.Flag("supports_json_schema"),
                IsFree = isFree,
                Price = ReadPrice(reader, isFree),
            });
        }

        return models;
    }

    /// <summary>Both costs or none: half a price would count the other half as free.</summary>
    private static ModelPrice? ReadPrice(MemberReader reader, bool isFree)
    {
        var input = reader.Money("input_cost_per_1m", 1_000_000);
        var output = reader.Money("output_cost_per_1m", 1_000_000);
        var cached = reader.Money("cached_input_cost_per_1m", 1_000_000);
        if (input is not null && output is not null)
        {
            return new ModelPrice(ToMicro(input.Value), ToMicro(output.Value), ToMicro(cached ?? input.Value));
        }

        if (reader.Node("input_cost_per_1m") is null != reader.Node("output_cost_per_1m") is null)
        {
            reader.Scope.Report(reader.Line, reader.Path, "names one of input_cost_per_1m and output_cost_per_1m", "Name both (0 where it costs nothing) or none.");
        }

        return isFree ? default(ModelPrice) : null;
    }

    private static long ToMicro(decimal dollars) => (long)decimal.Round(dollars * 1_000_000m, MidpointRounding.AwayFromZero);

    private static IdentityHeaderNames? ReadIdentityHeaders(MemberReader provider)
    {
        if (provider.Object("identity_headers", ConfigMembers.IdentityHeaders) is not { } reader)
        {
            return null;
        }

        var usual = IdentityHeaderNames.Default;
        var names = new IdentityHeaderNames
        {
            Ticket = Name(usual.Ticket),
            UserId = Name(usual.UserId),
            UserType = Name(usual.UserType),
            SystemName = Name(usual.SystemName),
            PromptMessageId = Name(usual.PromptMessageId),
            CompletionMessageId = Name(usual.CompletionMessageId),
        };
        string[] all = [names.Ticket, names.UserId, names.UserType, names.SystemName, names.PromptMessageId, names.CompletionMessageId];
        if (all.Distinct(StringComparer.OrdinalIgnoreCase).Count() < all.Length)
        {
            provider.Report("identity_headers", "gives two headers the same name");
        }

        return names;

        string Name(string canonical) =>
            reader.Text(canonical, text => Names.IsToken(text) && !ConnectionHeaders.Contains(text, StringComparer.OrdinalIgnoreCase), "the name of a header")
            ?? canonical;
    }

    private static MockBehavior? ReadBehavior(MemberReader provider)
    {
        if (provider.Object("behavior", ConfigMembers.Behavior) is not { } reader)
        {
            return null;
        }

        return new MockBehavior
        {
            Latency = reader.Milliseconds("latency_ms", 3_600_000) ?? TimeSpan.Zero,
            ChunkDelay = reader.Milliseconds("chunk_delay_ms", 3_600_000) ?? TimeSpan.Zero,
            Status = (int?)reader.Integer("status", 100, 599),
            RetryAfterSeconds = (int?)reader.Integer("retry_after", 0, 86_400),
            Reply = reader.Text("reply"),
            Fail = reader.OneOf("fail", Failures) is { } fail ? (MockFailure)(Array.IndexOf(Failures, fail) + 1) : MockFailure.None,
        };
    }
}
