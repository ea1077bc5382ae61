using System.Text;
using LlmGateway.Forwarding;

namespace LlmGateway.Tests.Forwarding;

public sealed class PassthroughUsageTests
{
    private const string Events =
        "event: a\r\ndata: {\"type\":\"a\",\"response\":{\"model\":\"gpt-ü\",\"usage\":null}}\r\n\r\ndata: {\"x\":1}\n\n"
        + "data: {\"response\":{\"model\":\"gpt-ü\",\"usage\":{\"input_tokens\":3,\"output_tokens\":4,\"output_tokens_details\":{\"reasoning_tokens\":2}}}}\n\ndata: [DONE]\n\n";

    [Fact]
    public void Watch_StreamSplitAtEveryByte_ReadsTheSame()
    {
        var bytes = Encoding.UTF8.GetBytes(Events);
        for (var at = 0; at <= bytes.Length; at++)
        {
            using var usage = new PassthroughUsage(isStream: true);

            usage.Watch(bytes.AsSpan(0, at));
            usage.Watch(bytes.AsSpan(at));
            usage.End();

            Assert.Equal((3L, 4L, 2L, "gpt-ü"), (usage.Tokens!.Value.Input, usage.Tokens.Value.Output, usage.Tokens.Value.Reasoning, usage.Model));
        }
    }

    [Theory]
    [InlineData("""{"usage":{"prompt_tokens":-1,"completion_tokens":2}}""")]
    [InlineData("""{"usage":{"prompt_tokens":1e3}}""")]
    [InlineData("""{"usage":{"seconds":3,"type":"duration"}}""")]
    [InlineData("""{"usage":[]}""")]
    [InlineData("""{"usage":""")]
    [InlineData("[]")]
    [InlineData("")]
    public void End_WhatTellsNoTokens_IsNone(string json)
    {
        using var usage = new PassthroughUsage(isStream: false);

        usage.Watch(Encoding.UTF8.GetBytes(json));
        usage.End();

        Assert.Null(usage.Tokens);
    }

    [Fact]
    public void Watch_AnswerBeyondTheLimit_IsNotHeld()
    {
        using var usage = new PassthroughUsage(isStream: false);
        usage.Watch("""{"usage":{"prompt_tokens":1},"x":" """u8);
        var filling = Enumerable.Repeat((byte)'x', 1 << 20).ToArray();

        for (var i = 0; i < 5; i++)
        {
            usage.Watch(filling);
        }

        usage.Watch("\"}"u8);
        usage.End();

        Assert.Null(usage.Tokens);
    }
}
