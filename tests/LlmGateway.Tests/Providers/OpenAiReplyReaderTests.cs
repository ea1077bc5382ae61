using System.Text;
using LlmGateway.Model;
using LlmGateway.Providers;

namespace LlmGateway.Tests.Providers;

public sealed class OpenAiReplyReaderTests
{
    private static ProviderReply Read(string body) => OpenAiReplyReader.Read(Encoding.UTF8.GetBytes(body));

    [Fact]
    public void Read_Completion_KeepsItsBytesAndCountsUsage()
    {
        const string Body = """{"id":"x","choices":[{"index":0,"message":{"role":"assistant","content":"h\u00e9"},"finish_reason":"stop"}],"usage":{"prompt_tokens":3,"completion_tokens":2,"completion_tokens_details":{"reasoning_tokens":1}}}""";

        var reply = Read(Body);

        Assert.Equal(Body, Encoding.UTF8.GetString(reply.Body.Span));
        Assert.Equal(new TokenUsage(3, 2, 0, 1), reply.Usage);
        Assert.Equal(7, reply.OutputBytes);
    }

    [Fact]
    public void Read_BlankLinesInFront_AreWhiteSpace() => Assert.Null(Read("\n\n\n{\"choices\":[{\"message\":{\"content\":\"a\"}}]}").Error);

    [Theory]
    [InlineData("")]
    [InlineData("<html>")]
    [InlineData("{}")]
    [InlineData("[]")]
    [InlineData("{\"choices\":[]}")]
    [InlineData("{\"choices\":{}}")]
    [InlineData("{\"choices\":[1]}")]
    [InlineData("{\"choices\":[{\"message\":{}}]} trailing")]
    [InlineData("{\"choices\":[{\"message\":{")]
    public void Read_NoCompletion_IsInvalid(string body) => Assert.Equal(FailureReason.InvalidResponse, Read(body).Error!.Reason);

    [Theory]
    [InlineData("""{"error":{"code":502,"message":"down"}}""", 502)]
    [InlineData("""{"error":"down","choices":[{"message":{}}]}""", 200)]
    [InlineData("""{"object":"error","message":"down","error":true}""", 200)]
    public void Read_ErrorInA200_IsTheError(string body, int status) => Assert.Equal(status, Read(body).Error!.Status);

    [Fact]
    public void Read_ErrorNull_IsNoError() => Assert.Null(Read("""{"error":null,"choices":[{"message":{"content":"a"}}]}""").Error);
}
