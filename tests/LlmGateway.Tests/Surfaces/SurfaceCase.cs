using System.Text;
using LlmGateway.Api;
using LlmGateway.Model;
using LlmGateway.Surfaces;
using LlmGateway.Tests.Providers;

namespace LlmGateway.Tests.Surfaces;

/// <summary>Runs a client dialect over text: requests in, replies and streams out, these cut into reads at will.</summary>
internal static class SurfaceCase
{
    public static AnthropicClientDialect Anthropic() => new(GoldenDialects.CountingIds());

    public static OllamaClientDialect Ollama() => OllamaClientDialect.Chat(GoldenTime.Instance);

    public static OllamaClientDialect Generate() => OllamaClientDialect.Generate(GoldenTime.Instance);

    public static ClientCall Read(IClientDialect dialect, string body) => SurfaceRequest.Read(dialect, Encoding.UTF8.GetBytes(body), TestRequests.Chat().Config, agent: null);

    public static void AssertRequest(IClientDialect dialect, string client, string openAi)
    {
        var call = Read(dialect, client);
        Assert.Null(call.Error);
        GoldenText.AssertSameJson(Encoding.UTF8.GetBytes(openAi), call.Body.ToArray());
        Assert.Null(RequestScanner.ScanChat(call.Body.Span).Error);
    }

    public static void AssertRefused(IClientDialect dialect, string client, string param)
    {
        var error = Read(dialect, client).Error;
        Assert.NotNull(error);
        Assert.Equal((400, param), (error.Status, error.Param));
    }

    public static byte[] Reply(IClientDialect dialect, string completion, bool showsReasoning = true) =>
        dialect.WriteReply(Encoding.UTF8.GetBytes(completion), Request() with { ShowsReasoning = showsReasoning })!;

    /// <summary>The stream in the client's form: whole, and the same however the source is cut.</summary>
    public static async Task<string> StreamAsync(Func<IClientDialect> dialect, string source, bool showsReasoning = true)
    {
        var bytes = Encoding.UTF8.GetBytes(source);
        var whole = await RunAsync(dialect(), bytes, [], showsReasoning);
        for (var cut = 1; cut < bytes.Length; cut++)
        {
            Assert.Equal(whole, await RunAsync(dialect(), bytes, [cut], showsReasoning));
        }

        Assert.Equal(whole, await RunAsync(dialect(), bytes, [.. Enumerable.Range(1, bytes.Length - 1)], showsReasoning));
        return whole;
    }

    /// <summary>OpenAI chunks as a stream, without the closing mark.</summary>
    public static string Chunks(params string[] choicesOrUsage) => string.Concat(choicesOrUsage.Select(part => $"data: {{\"id\":\"c\",\"model\":\"m\",{part}}}\n\n"));

    public static string Delta(string delta, string finish = "null") => $"\"choices\":[{{\"delta\":{delta},\"index\":0,\"finish_reason\":{finish}}}]";

    private static GatewayRequest Request() => TestRequests.Chat() with { Surface = "test" };

    private static async Task<string> RunAsync(IClientDialect dialect, byte[] source, int[] cuts, bool showsReasoning)
    {
        using var response = new HttpResponseMessage();
        await using var stream = new SurfaceStream(response, new PieceStream(source, cuts), dialect.CreateStreamWriter(Request() with { ShowsReasoning = showsReasoning }));
        using var copy = new MemoryStream();
        await stream.CopyToAsync(copy, TestContext.Current.CancellationToken);
        return Encoding.UTF8.GetString(copy.ToArray());
    }
}
