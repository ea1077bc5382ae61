using System.Text;
using System.Text.Json;
using LlmGateway.Api;
using LlmGateway.Model;
using LlmGateway.Providers;

namespace LlmGateway.Tests.Providers;

public sealed class GeminiEmbeddingsTests
{
    private const string One = """{"input":"one"}""";
    private const string Vector = "[0.25,-1.5,3.1415927]";

    private readonly GeminiDialect _dialect = new(GoldenTime.Instance, new ToolCallStates(TimeProvider.System));

    [Theory]
    [InlineData("gemini-embedding-001", "/v1beta/models/gemini-embedding-001:batchEmbedContents", "models/gemini-embedding-001")]
    [InlineData("models/gemini-embedding-001", "/v1beta/models/gemini-embedding-001:batchEmbedContents", "models/gemini-embedding-001")]
    [InlineData("tunedModels/mine", "/v1beta/tunedModels/mine:batchEmbedContents", "tunedModels/mine")]
    [InlineData("..", "/v1beta/models/..:batchEmbedContents", "models/..")]
    [InlineData("../a?key=x#y", "/v1beta/models/..%2Fa%3Fkey%3Dx%23y:batchEmbedContents", "models/../a?key=x#y")]
    public async Task CreateCall_ModelName_IsOneStepOfThePathAndTheSameInEachRequest(string model, string path, string told)
    {
        var call = Create(One, model);

        Assert.Equal(path, call.Message!.RequestUri!.PathAndQuery);
        Assert.Equal("k-1", Assert.Single(call.Message.Headers.GetValues("x-goog-api-key")));
        Assert.Equal(told, JsonDocument.Parse(await BodyAsync(call)).RootElement.GetProperty("requests")[0].GetProperty("model").GetString());
    }

    [Theory]
    [InlineData("""{"input":"one"}""", """{"requests":[{"model":"models/m","content":{"parts":[{"text":"one"}]}}]}""")]
    [InlineData("""{"input":["a\"\u00e9","b"],"dimensions":3,"encoding_format":"base64","user":"u"}""", """{"requests":[{"model":"models/m","content":{"parts":[{"text":"a\"\u00e9"}]},"outputDimensionality":3},{"model":"models/m","content":{"parts":[{"text":"b"}]},"outputDimensionality":3}]}""")]
    public async Task CreateCall_Texts_BecomeOneRequestEach(string body, string expected) => Assert.Equal(expected, await BodyAsync(Create(body)));

    [Theory]
    [InlineData("""{"input":[1,2,3]}""")]
    [InlineData("""{"input":[[1,2],[3]]}""")]
    public void CreateCall_TokenNumbers_CannotCarry(string body) => Assert.Contains("token", Create(body).Unsupported, StringComparison.Ordinal);

    [Theory]
    [InlineData("float", Vector)]
    [InlineData("base64", "\"AACAPgAAwL/bD0lA\"")]
    public void ReadReply_Vectors_AreInTheEncodingThatWasAskedFor(string encoding, string expected)
    {
        var reply = Read(
            """{"input":["a","b"],"encoding_format":"ENC"}""".Replace("ENC", encoding, StringComparison.Ordinal),
            """{ "embeddings": [ { "values": [ 0.25,""" + "\n" + """ -1.5, 3.1415927 ] }, { "shape": [3], "values": [0.25,-1.5,3.1415927] } ], "usageMetadata": {"promptTokenCount": 7, "promptTokenDetails": [{"modality":"TEXT","tokenCount":7}]} }""");

        Assert.Equal(
            $$$"""{"object":"list","model":"m","data":[{"object":"embedding","index":0,"embedding":{{{expected}}}},{"object":"embedding","index":1,"embedding":{{{expected}}}}],"usage":{"prompt_tokens":7,"total_tokens":7}}""",
            Encoding.UTF8.GetString(reply.Body.Span));
        Assert.Equal(new TokenUsage(7, 0), reply.Usage);
    }

    [Theory]
    [InlineData("")]
    [InlineData(",\"usageMetadata\":{}")]
    [InlineData(",\"usageMetadata\":{\"promptTokenCount\":0}")]
    [InlineData(",\"usageMetadata\":{\"promptTokenCount\":-4}")]
    [InlineData(",\"usageMetadata\":null")]
    public void ReadReply_NoCount_TellsTheEstimateAndKeepsItUnknown(string counts)
    {
        var reply = Read(One, $$"""{"embeddings":[{"values":[1]}]{{counts}}}""");

        Assert.Null(reply.Usage);
        Assert.EndsWith("""],"usage":{"prompt_tokens":2,"total_tokens":2}}""", Encoding.UTF8.GetString(reply.Body.Span), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("<html>")]
    [InlineData("[]")]
    [InlineData("{}")]
    [InlineData("{\"embeddings\":[]}")]
    [InlineData("{\"embeddings\":{}}")]
    [InlineData("{\"embeddings\":[1]}")]
    [InlineData("{\"embeddings\":[{}]}")]
    [InlineData("{\"embeddings\":[{\"values\":[]}]}")]
    [InlineData("{\"embeddings\":[{\"values\":[\"x\"]}]}")]
    [InlineData("{\"embeddings\":[{\"values\":[1e400]}]}")]
    [InlineData("{\"embeddings\":[{\"values\":[1],\"values\":[2]}]}")]
    [InlineData("{\"embeddings\":[{\"values\":[1]},{\"values\":[2]}]}")]
    [InlineData("{\"embeddings\":[{\"values\":[1]}]")]
    [InlineData("{\"embeddings\":[{\"values\":[1]}]} x")]
    [InlineData("{\"\\ud800\":1}")]
    public void ReadReply_NoVectorForEachInput_IsInvalid(string body) => Assert.Equal(FailureReason.InvalidResponse, Read(One, body).Error!.Reason);

    [Fact]
    public void ReadReply_ErrorInside_IsRead()
    {
        var error = Read(One, """{"error":{"code":429,"message":"quota","status":"RESOURCE_EXHAUSTED"}}""").Error!;

        Assert.Equal((429, "quota", FailureReason.RateLimit), (error.Status, error.Message, error.Reason));
    }

    private static (GatewayRequest Request, ProviderTarget Target) Prepare(string body, string model)
    {
        var builder = RequestBuilder.From("""{"messages":[{"role":"user","content":"hi"}]}""") with
        {
            Provider = "gemini",
            BaseUrl = "https://generativelanguage.googleapis.com",
            Model = model,
            ApiKey = "k-1",
        };
        var bytes = Encoding.UTF8.GetBytes(body);
        var (scan, error) = RequestScanner.Scan(Operation.Embeddings, bytes);
        Assert.Null(error);
        return (builder.Build() with { Operation = Operation.Embeddings, Body = bytes, Scan = scan! }, builder.Target());
    }

    private static Task<string> BodyAsync(ProviderCall call) => call.Message!.Content!.ReadAsStringAsync(TestContext.Current.CancellationToken);

    private ProviderCall Create(string body, string model = "m")
    {
        var (request, target) = Prepare(body, model);
        return _dialect.CreateCall(request, target, TargetHabits.None);
    }

    private ProviderReply Read(string body, string reply)
    {
        var (request, target) = Prepare(body, "m");
        return _dialect.ReadReply(Encoding.UTF8.GetBytes(reply), request, target);
    }
}
