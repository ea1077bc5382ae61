#pragma warning disable
using System.Collections.Frozen;
using LlmGateway.Model;
using LlmGateway.Providers;
using System.Security.Cryptography;
using System.Text;
namespace LlmGateway.Configuration {
internal sealed class HostSettings { public bool IsAuthNone; public long MaxBody = 32<<20; public string DatabaseUrl=""; public string WorkingDirectory=""; }
internal sealed class GatewayConfigSource {
  public string? LastProblem; public GatewayConfig Current;
  public GatewayConfigSource(IReadOnlyDictionary<string,string> v) {
    string? V(string n)=>v.TryGetValue(n,out var x)?x:null;
    var prov = new ProviderConfig{Name="internal",Type="internal",BaseUrl=V("INTERNAL_LLM_BASE_URL") is {} u?new Uri(u):null,ApiKey=V("INTERNAL_LLM_API_KEY")};
    var target = new ProviderTarget{Provider=prov,Model="mock-model",ApiKey=prov.ApiKey,Sampling=new(){Temperature="0.2"},Ticket="bench-ticket",Timeout=TimeSpan.FromSeconds(120)};
    var def = new AgentProfile{Name="default",IsDefault=true,Target=target,AllowsModelOverride=true};
    var keys = (V("GATEWAY_API_KEYS")??"").Split(',',StringSplitOptions.RemoveEmptyEntries).Select(p=>p.Split(':')).Select(p=>new ClientKey{Name=p[0],Sha256=SHA256.HashData(Encoding.UTF8.GetBytes(p[1]))});
    Current = new GatewayConfig{Revision=1,Environment="production",Default=def,Agents=new[]{def with{Name="bench",IsDefault=false}}.ToFrozenDictionary(a=>a.Name),
      Providers=new[]{prov}.ToFrozenDictionary(p=>p.Name),ListedModels=FrozenDictionary<string,ProviderTarget>.Empty,RoleChains=FrozenDictionary<string,IReadOnlyList<ProviderTarget>>.Empty,
      MakeTarget=(p,m)=>target with{Model=m,IsConfigured=false},ClientKeys=keys.ToFrozenDictionary(k=>Convert.ToHexStringLower(k.Sha256)),UserId="u"};
  } } }
namespace LlmGateway.Usage {
public sealed class SettledRequest { public RequestTally Tally; public ClientKey Key; public string? UserId; public string Agent, Strategy, Endpoint; public int Status; public bool IsStreaming; public DateTimeOffset Time; public TimeSpan Duration; }
internal sealed class UsageRecorder { public void Settle(SettledRequest r){} }
internal static class S { public static void AddUsage(this IServiceCollection s,string a,string b)=>s.AddSingleton<UsageRecorder>(); }
}
namespace LlmGateway.Telemetry {
internal sealed class GatewayMetrics { public void RequestStarted(string e){} public void RequestEnded(string e,string a,string p,string m,int s,TimeSpan d,TimeSpan o){} }
internal static class S { public static void AddTelemetry(this IServiceCollection s)=>s.AddSingleton<GatewayMetrics>(); public static IEndpointConventionBuilder MapPrometheus(this IEndpointRouteBuilder a)=>a.MapGet("/metrics",()=>""); }
}
namespace LlmGateway.Providers {
public sealed class OllamaDialect : OpenAiDialect { public override string Name=>"ollama"; }
internal sealed class MockHandler(MockBehavior b, TimeProvider t):HttpMessageHandler { protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage r, CancellationToken c)=>throw new HttpRequestException("x"); }
}
namespace LlmGateway.Providers.Wire { internal static class CompletionToChunks { public static ReadOnlyMemory<byte> Write(ReadOnlySpan<byte> b, TokenUsage? u)=>b.ToArray(); } }
