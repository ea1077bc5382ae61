using System.Text;
using LlmGateway.Api;
using LlmGateway.Model;

namespace LlmGateway.Tests.Api;

public sealed class RequestScannerTests
{
    private static (ScannedRequest? Request, GatewayError? Error) Scan(string body) => RequestScanner.ScanChat(Encoding.UTF8.GetBytes(body));

    private static string Text(string body, JsonRange range) => Encoding.UTF8.GetString(range.Of(Encoding.UTF8.GetBytes(body)));

    [Fact]
    public void ScanChat_FullRequest_FindsMembersAndOffsets()
    {
        const string Body = """
            { "stream":true, "model" : "m-1", "temperature":0.5, "max_completion_tokens":7, "stop":["a"], "seed":-3,
              "stream_options":{"include_obfuscation":false,"include_usage": false},
              "tools":[{"type":"function"}], "response_format":{"type":"json_schema","json_schema":{}},
              "messages":[{"role":"user","content":"first"},{"content":[{"type":"image_url","image_url":{"url":"x"}}],"role":"user"},{"role":"assistant","content":"ü"}] }
            """;

        var (request, error) = Scan(Body);

        Assert.Null(error);
        Assert.True(request!.IsStreaming);
        Assert.Equal("m-1", request.Model);
        Assert.Equal("\"m-1\"", Text(Body, request.ModelValue));
        Assert.Equal("false", Text(Body, request.IncludeUsageValue));
        Assert.False(request.IncludeUsage);
        Assert.StartsWith("{\"include_obfuscation\"", Text(Body, request.StreamOptionsValue));
        Assert.EndsWith("\"ü\"}]", Text(Body, request.MessagesValue));
        Assert.StartsWith("[{\"type\":\"image_url\"", Text(Body, request.LastUserContent));
        Assert.True(request.HasImages && request.HasTools && request.WantsJson && request.WantsJsonSchema);
        Assert.Equal(
            RequestFields.Temperature | RequestFields.MaxCompletionTokens | RequestFields.Stop | RequestFields.Seed | RequestFields.StreamOptions | RequestFields.Tools | RequestFields.ResponseFormat,
            request.Fields);
    }

    [Fact]
    public void ScanChat_NullMembers_CountAsLeftOut()
    {
        var (request, _) = Scan("""{"temperature":null,"stream":null,"stop":null,"messages":[{"role":"user","content":null}]}""");

        Assert.False(request!.Has(RequestFields.Temperature | RequestFields.Stop));
        Assert.Contains(request.NullMembers, member => member.Key == "temperature");
    }

    [Theory]
    [InlineData("", "invalid_json", null)]
    [InlineData("   ", "invalid_json", null)]
    [InlineData("null", "invalid_json", null)]
    [InlineData("[]", "invalid_json", null)]
    [InlineData("\"x\"", "invalid_json", null)]
    [InlineData("1", "invalid_json", null)]
    [InlineData("{", "invalid_json", null)]
    [InlineData("{} x", "invalid_json", null)]
    [InlineData("{\"messages\":[{\"role\":\"user\",\"content\":\"a\"}],}", "invalid_json", null)]
    [InlineData("{/*c*/\"messages\":[]}", "invalid_json", null)]
    [InlineData("{\"temperature\":NaN,\"messages\":[]}", "invalid_json", null)]
    [InlineData("{\"model\":\"a\",\"model\":\"b\",\"messages\":[{\"role\":\"user\",\"content\":\"a\"}]}", "invalid_json", "model")]
    [InlineData("{\"model\":\"a\",\"mod\\u0065l\":\"b\",\"messages\":[{\"role\":\"user\",\"content\":\"a\"}]}", "invalid_json", "model")]
    [InlineData("{\"messages\":[{\"role\":\"user\",\"role\":\"system\",\"content\":\"a\"}]}", "invalid_json", "role")]
    [InlineData("{\"x\":{\"a\":{\"b\":1,\"b\":2}},\"messages\":[{\"role\":\"user\",\"content\":\"a\"}]}", "invalid_json", "b")]
    [InlineData("{\"messages\":[{\"role\":\"user\",\"content\":\"\\ud800\"}]}", "invalid_json", null)]
    [InlineData("{\"messages\":[{\"role\":\"user\",\"content\":\"\\udc00\\ud800\"}]}", "invalid_json", null)]
    [InlineData("{\"model\":\"\\uD83D\",\"messages\":[{\"role\":\"user\",\"content\":\"a\"}]}", "invalid_json", null)]
    [InlineData("{\"\\ud800\":1,\"messages\":[{\"role\":\"user\",\"content\":\"a\"}]}", "invalid_json", null)]
    [InlineData("{}", "missing_required_parameter", "messages")]
    [InlineData("{\"messages\":null}", "missing_required_parameter", "messages")]
    [InlineData("{\"messages\":[]}", "invalid_request", "messages")]
    [InlineData("{\"messages\":\"hi\"}", "invalid_request", "messages")]
    [InlineData("{\"messages\":[1]}", "invalid_request", "messages[0]")]
    [InlineData("{\"messages\":[{\"content\":\"a\"}]}", "missing_required_parameter", "messages[0].role")]
    [InlineData("{\"messages\":[{\"role\":7}]}", "invalid_request", "messages[0].role")]
    [InlineData("{\"messages\":[{\"role\":\"user\",\"content\":{}}]}", "invalid_request", "messages[0].content")]
    [InlineData("{\"model\":5,\"messages\":[{\"role\":\"user\",\"content\":\"a\"}]}", "invalid_request", "model")]
    [InlineData("{\"stream\":\"yes\",\"messages\":[{\"role\":\"user\",\"content\":\"a\"}]}", "invalid_request", "stream")]
    [InlineData("{\"stream_options\":[],\"messages\":[{\"role\":\"user\",\"content\":\"a\"}]}", "invalid_request", "stream_options")]
    [InlineData("{\"stream_options\":{\"include_usage\":1},\"messages\":[{\"role\":\"user\",\"content\":\"a\"}]}", "invalid_request", "stream_options.include_usage")]
    [InlineData("{\"temperature\":\"0.5\",\"messages\":[{\"role\":\"user\",\"content\":\"a\"}]}", "invalid_request", "temperature")]
    [InlineData("{\"temperature\":1e999,\"messages\":[{\"role\":\"user\",\"content\":\"a\"}]}", "invalid_request", "temperature")]
    [InlineData("{\"max_tokens\":1.5,\"messages\":[{\"role\":\"user\",\"content\":\"a\"}]}", "invalid_request", "max_tokens")]
    [InlineData("{\"max_tokens\":99999999999999999999,\"messages\":[{\"role\":\"user\",\"content\":\"a\"}]}", "invalid_request", "max_tokens")]
    [InlineData("{\"max_completion_tokens\":0,\"messages\":[{\"role\":\"user\",\"content\":\"a\"}]}", "invalid_request", "max_completion_tokens")]
    [InlineData("{\"stop\":[1],\"messages\":[{\"role\":\"user\",\"content\":\"a\"}]}", "invalid_request", "stop")]
    [InlineData("{\"tools\":{},\"messages\":[{\"role\":\"user\",\"content\":\"a\"}]}", "invalid_request", "tools")]
    [InlineData("{\"response_format\":\"json\",\"messages\":[{\"role\":\"user\",\"content\":\"a\"}]}", "invalid_request", "response_format")]
    public void ScanChat_BadInput_Is400WithParam(string body, string code, string? param)
    {
        var (request, error) = Scan(body);

        Assert.Null(request);
        Assert.Equal((400, code, param), (error!.Status, error.Code, error.Param));
    }

    [Fact]
    public void ScanChat_InvalidUtf8_IsInvalidJson()
    {
        var (_, error) = RequestScanner.ScanChat([.. "{\"model\":\""u8, 0xC3, 0x28, .. "\"}"u8]);

        Assert.Equal(ErrorCodes.InvalidJson, error!.Code);
    }

    [Theory]
    [InlineData(65)]
    [InlineData(100_000)]
    public void ScanChat_DeepNesting_IsRefused(int depth)
    {
        var (_, error) = Scan("{\"x\":" + new string('[', depth) + new string(']', depth) + "}");

        Assert.Equal(ErrorCodes.InvalidJson, error!.Code);
        Assert.Contains("deeper than 64", error.Message);
    }

    [Fact]
    public void ScanChat_ManyMembers_FindsTheOneDuplicate()
    {
        var members = string.Join(",", Enumerable.Range(0, 5000).Select(i => $"\"k{i}\":1"));

        Assert.Null(Scan($$"""{"messages":[{"role":"user","content":"a"}],{{members}}}""").Error);
        Assert.Equal("k17", Scan($$"""{"messages":[{"role":"user","content":"a"}],{{members}},"k17":2}""").Error!.Param);
    }

    [Fact]
    public void ScanChat_SurrogatePairsAndEscapes_Pass()
    {
        var (_, error) = Scan("""{"messages":[{"role":"user","content":"\ud83d\ude00 \\ud800 \n\u0000"}]}""");

        Assert.Null(error);
    }
}
