using System.Collections.Frozen;
using System.Text;
using LlmGateway.Api;
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

    public string? ApiVersion { get; init; }

    public string? Flavor { get; init; }

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
            ApiVersion = ApiVersion,
            Flavor = Flavor,
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
        var (scan, error) = RequestScanner.ScanChat(body);
        Assert.True(scan is not null, error?.Message);
        return scan;
    }
}
