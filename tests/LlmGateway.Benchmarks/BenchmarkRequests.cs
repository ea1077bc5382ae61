using System.Collections.Frozen;
using System.Text;
using LlmGateway.Api;
using LlmGateway.Model;

namespace LlmGateway.Benchmarks;

/// <summary>Requests as the hot path meets them.</summary>
internal static class BenchmarkRequests
{
    public static readonly byte[] Small = Encoding.UTF8.GetBytes("""
        {"model":"mock-model","messages":[{"role":"system","content":"You are a helpful assistant. Answer in short, plain sentences."},{"role":"user","content":"Explain in two sentences what a reverse proxy does and why a gateway for language models has to stream its answers without buffering them."}],"temperature":0.7,"max_tokens":256,"user":"bench-user-1","stream":true}
        """);

    public static readonly byte[] Large = Encoding.UTF8.GetBytes(
        $$"""{"model":"mock-model","messages":[{"role":"user","content":"{{new string('x', 64 * 1024)}}"}],"stream":true}""");

    public static GatewayRequest Of(byte[] body, string type)
    {
        var target = new ProviderTarget
        {
            Provider = new ProviderConfig { Name = type, Type = type, BaseUrl = new Uri("http://provider.test") },
            Model = "other-model",
            Sampling = new SamplingDefaults { TopP = "0.7" },
        };
        var profile = new AgentProfile { Name = "bench", Target = target };
        return new GatewayRequest
        {
            Operation = Operation.ChatCompletions,
            Body = body,
            Scan = RequestScanner.ScanChat(body).Request!,
            Config = new GatewayConfig
            {
                Revision = 1,
                Environment = "production",
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
            Tally = new RequestTally("bench", Guid.Empty, 0),
        };
    }
}
