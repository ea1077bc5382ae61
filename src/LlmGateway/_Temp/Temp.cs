#pragma warning disable
using System.Collections.Frozen;
using LlmGateway.Model;
using LlmGateway.Providers;
using System.Security.Cryptography;
using System.Text;
namespace LlmGateway.Providers {
public sealed class OllamaDialect : OpenAiDialect { public override string Name=>"ollama"; }
internal sealed class MockHandler(MockBehavior b, TimeProvider t):HttpMessageHandler { protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage r, CancellationToken c)=>throw new HttpRequestException("x"); }
}
namespace LlmGateway.Providers.Wire { internal static class CompletionToChunks { public static ReadOnlyMemory<byte> Write(ReadOnlySpan<byte> b, TokenUsage? u)=>b.ToArray(); } }
