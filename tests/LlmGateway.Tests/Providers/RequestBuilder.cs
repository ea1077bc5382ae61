using System.Collections.Frozen;
using System.Text;
using System.Text.Json;
using LlmGateway.Model;

namespace LlmGateway.Tests.Providers;

/// <summary>Makes the request and the target that a dialect is given, from an OpenAI body and a few settings.</summary>
internal sealed record RequestBuilder
{
    public required byte[] Body { get; init; }

    public string Provider { get; init; } = "test";

    public string? BaseUrl { get; init; } = "http://localhost:11434";

    public string Model { get; init; } = "test-model";

    public string? ApiKey { get; init; }

    public string? SystemPrompt { get; init; }

    public SamplingDefaults Sampling { get; init; } = SamplingDefaults.Empty;

    public IReadOnlyList<KeyValuePair<string, string>> Headers { get; init; } = [];

    public static RequestBuilder From(string body) => new() { Body = Encoding.UTF8.GetBytes(body) };

    public ProviderTarget Target() => new()
    {
        Provider = new ProviderConfig
        {
            Name = Provider,
            Type = Provider,
            BaseUrl = BaseUrl is null ? null : new Uri(BaseUrl),
            Headers = Headers,
        },
        Model = Model,
        ApiKey = ApiKey,
        Sampling = Sampling,
    };

    public GatewayRequest Build()
    {
        var target = Target();
        var profile = new AgentProfile { Name = AgentProfile.DefaultName, IsDefault = true, Target = target, SystemPrompt = SystemPrompt };
        return new GatewayRequest
        {
            Operation = Operation.ChatCompletions,
            Body = Body,
            Scan = Scan(Body),
            Config = new GatewayConfig
            {
                Revision = 1,
                Environment = "development",
                Default = profile,
                Agents = FrozenDictionary<string, AgentProfile>.Empty,
                Providers = FrozenDictionary<string, ProviderConfig>.Empty,
                ListedModels = FrozenDictionary<string, ProviderTarget>.Empty,
                RoleChains = FrozenDictionary<string, IReadOnlyList<ProviderTarget>>.Empty,
                MakeTarget = (_, _) => target,
                ClientKeys = FrozenDictionary<string, ClientKey>.Empty,
            },
            Profile = profile,
            Key = ClientKey.Anonymous,
            Strategy = "single",
            TotalTimeout = TimeSpan.FromSeconds(600),
            Tally = new RequestTally("request", Guid.Empty, 0),
        };
    }

    private static ScannedRequest Scan(byte[] body)
    {
        var reader = new Utf8JsonReader(body);
        var scan = new ScannedRequest { MembersStart = Array.IndexOf(body, (byte)'{') + 1 };
        var nulls = new List<KeyValuePair<string, JsonRange>>();
        reader.Read();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var name = Encoding.UTF8.GetString(reader.ValueSpan);
            reader.Read();
            var start = (int)reader.TokenStartIndex;
            var token = reader.TokenType;
            reader.Skip();
            var range = new JsonRange(start, (int)reader.BytesConsumed - start);
            if (token == JsonTokenType.Null)
            {
                nulls.Add(new(name, range));
                continue;
            }

            scan = Note(scan, name, token, range, body);
        }

        return scan with { NullMembers = nulls };
    }

    private static ScannedRequest Note(ScannedRequest scan, string name, JsonTokenType token, JsonRange range, byte[] body)
    {
        switch (name)
        {
            case "model" when token == JsonTokenType.String:
                return scan with { Model = JsonSerializer.Deserialize<string>(range.Of(body)), ModelValue = range };
            case "stream":
                return scan with { IsStreaming = token == JsonTokenType.True };
            case "stream_options":
                return NoteIncludeUsage(scan with { StreamOptionsValue = range, Fields = scan.Fields | RequestFields.StreamOptions }, range, body);
            case "messages":
                return scan with { MessagesValue = range };
            default:
                return scan with { Fields = scan.Fields | FieldOf(name), HasTools = scan.HasTools || name == "tools" };
        }
    }

    private static ScannedRequest NoteIncludeUsage(ScannedRequest scan, JsonRange options, byte[] body)
    {
        var reader = new Utf8JsonReader(options.Of(body));
        reader.Read();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var isIncludeUsage = reader.ValueTextEquals("include_usage"u8);
            reader.Read();
            if (isIncludeUsage && reader.TokenType is JsonTokenType.True or JsonTokenType.False)
            {
                var start = options.Start + (int)reader.TokenStartIndex;
                return scan with
                {
                    IncludeUsage = reader.GetBoolean(),
                    IncludeUsageValue = new JsonRange(start, reader.ValueSpan.Length),
                };
            }

            reader.Skip();
        }

        return scan;
    }

    private static RequestFields FieldOf(string name) => name switch
    {
        "temperature" => RequestFields.Temperature,
        "top_p" => RequestFields.TopP,
        "max_tokens" => RequestFields.MaxTokens,
        "max_completion_tokens" => RequestFields.MaxCompletionTokens,
        "stop" => RequestFields.Stop,
        "seed" => RequestFields.Seed,
        "reasoning_effort" => RequestFields.ReasoningEffort,
        "response_format" => RequestFields.ResponseFormat,
        "tools" => RequestFields.Tools,
        _ => RequestFields.None,
    };
}
