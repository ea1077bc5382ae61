using System.Collections.Frozen;
using System.Text;
using LlmGateway.Api;
using LlmGateway.Model;

namespace LlmGateway.Tests;

/// <summary>Requests, targets and snapshots for unit tests, made by the real scanner.</summary>
internal static class TestRequests
{
    public const string Hello = """{"model":"gpt-test","messages":[{"role":"user","content":"Hello"}]}""";

    public static ProviderConfig Provider(string name = "openai", string type = "openai") =>
        new() { Name = name, Type = type, BaseUrl = new Uri("http://provider.test/v1") };

    public static ProviderTarget Target(string model = "gpt-test", ProviderConfig? provider = null) =>
        new() { Provider = provider ?? Provider(), Model = model, ApiKey = "sk-provider-key" };

    public static GatewayRequest Chat(string body = Hello, ProviderTarget? target = null, AgentProfile? profile = null, GatewayConfig? config = null)
    {
        var bytes = Encoding.UTF8.GetBytes(body);
        var (scan, error) = RequestScanner.ScanChat(bytes);
        Assert.Null(error);
        profile ??= new AgentProfile { Name = "default", IsDefault = true, Target = target ?? Target() };
        return new GatewayRequest
        {
            Operation = Operation.ChatCompletions,
            Body = bytes,
            Scan = scan!,
            Config = config ?? Config(profile),
            Profile = profile,
            Key = ClientKey.Anonymous,
            Strategy = "single",
            TotalTimeout = TimeSpan.FromSeconds(600),
            Tally = new RequestTally("test", Guid.CreateVersion7(), TimeProvider.System.GetTimestamp()),
        };
    }

    public static GatewayConfig Config(AgentProfile profile, params AgentProfile[] agents) => new()
    {
        Revision = 1,
        Environment = "production",
        Default = profile,
        Agents = agents.ToFrozenDictionary(agent => agent.Name),
        Providers = new[] { profile.Target.Provider }.ToFrozenDictionary(provider => provider.Name),
        ListedModels = FrozenDictionary<string, ProviderTarget>.Empty,
        RoleChains = FrozenDictionary<string, IReadOnlyList<ProviderTarget>>.Empty,
        MakeTarget = (provider, model) => Target(model, provider) with { IsConfigured = false },
        ClientKeys = FrozenDictionary<string, ClientKey>.Empty,
    };
}
