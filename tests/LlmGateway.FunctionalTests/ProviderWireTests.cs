using System.Net;
using System.Net.Sockets;
using LlmGateway.FunctionalTests.Infrastructure;

namespace LlmGateway.FunctionalTests;

/// <summary>How the gateway speaks to providers over TLS: in HTTP/1.1, so that what ends one connection ends one call.</summary>
public sealed class ProviderWireTests
{
    private const byte HandshakeRecord = 0x16;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("openai", "/v1/chat/completions")]
    [InlineData("anthropic", "/v1/chat/completions")]
    [InlineData("gemini", "/v1/chat/completions")]
    [InlineData("ollama", "/v1/chat/completions")]
    [InlineData("openai", "/v1/responses")]
    public async Task HTTP_2_is_never_offered(string type, string path)
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var hello = ReadHelloAsync(listener);
        await using var gateway = await new GatewayUnderTest().WithEnvironment("production")
            .WithVariable("INTERNAL_LLM_BASE_URL", GatewayUnderTest.NoProvider).WithVariable("INTERNAL_LLM_MODEL", "m").WithVariable("GATEWAY_AUTH", "none")
            .WithVariable("LLM_MAX_RETRIES", "0").WithVariable("OWN_KEY", "sk-own-4711")
            .WithSettings($"llm: {{ default_provider: own }}\nproviders:\n  own: {{ type: {type}, base_url: \"https://{listener.LocalEndpoint}\", api_key: \"${{OWN_KEY}}\", models: [m] }}\n")
            .StartAsync();

        using var response = await gateway.SendAsync(path, ProductionStage.Body(isStreaming: false, model: "own/m"));

        Assert.Equal(HttpStatusCode.BadGateway, response.StatusCode);
        var sent = await hello;
        Assert.Equal(HandshakeRecord, sent[0]);
        Assert.Equal(-1, sent.AsSpan().IndexOf("\u0002h2"u8));
    }

    /// <summary>The first record of the first connection, a TLS client hello; then the connection is closed, as are all others.</summary>
    private static async Task<byte[]> ReadHelloAsync(TcpListener listener)
    {
        using var first = await listener.AcceptSocketAsync(Cancellation);
        var record = new byte[16 * 1024];
        await using var stream = new NetworkStream(first);
        await stream.ReadExactlyAsync(record.AsMemory(0, 5), Cancellation);
        var length = (record[3] << 8) | record[4];
        await stream.ReadExactlyAsync(record.AsMemory(5, length), Cancellation);
        listener.Stop();
        return record[..(5 + length)];
    }
}
