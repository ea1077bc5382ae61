using System.Buffers;
using System.Text;
using LlmGateway.Model;
using LlmGateway.Providers;
using LlmGateway.Providers.Wire;

namespace LlmGateway.Tests.Providers;

public sealed class OpenAiStreamRelayTests
{
    private const string Role = """data: {"id":"c1","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}]}""" + "\n\n";
    private const string Content = """data: {"id":"c1","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"content":"Hé"},"finish_reason":null}]}""" + "\n\n";
    private const string Finish = """data: {"id":"c1","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}""" + "\n\n";
    private const string Usage = """data: {"id":"c1","object":"chat.completion.chunk","created":1,"model":"m","choices":[],"usage":{"prompt_tokens":9,"completion_tokens":2,"total_tokens":11,"prompt_tokens_details":{"cached_tokens":4},"completion_tokens_details":{"reasoning_tokens":1}}}""" + "\n\n";
    private const string Done = "data: [DONE]\n\n";

    private static (OpenAiStreamRelay Relay, string Output) Run(string wire, bool asksUsage = false, int? split = null)
    {
        var options = asksUsage ? ",\"stream_options\":{\"include_usage\":true}" : "";
        var relay = new OpenAiStreamRelay(TestRequests.Chat($$"""{"model":"m","stream":true{{options}},"messages":[{"role":"user","content":"x"}]}"""));
        var framer = WireFramer.For(relay.Framing);
        var output = new ArrayBufferWriter<byte>();
        var bytes = Encoding.UTF8.GetBytes(wire);
        var start = 0;
        foreach (var end in split is { } at ? new[] { at, bytes.Length } : [bytes.Length])
        {
            while (relay.Error is null && !relay.IsDone)
            {
                var isRead = framer.TryRead(bytes.AsSpan(start, end - start), end == bytes.Length, out var wireEvent, out var consumed);
                if (isRead)
                {
                    relay.OnEvent(wireEvent, output);
                }

                start += consumed;
                if (!isRead)
                {
                    break;
                }
            }
        }

        if (relay.Error is null && (relay.HasFinish || relay.IsDone))
        {
            relay.EstimatedUsage = new TokenUsage(5, 6, IsEstimated: true);
            relay.OnEnd(output);
        }

        return (relay, Encoding.UTF8.GetString(output.WrittenSpan));
    }

    [Fact]
    public void Relay_ClientDidNotAsk_DropsTheUsageChunkAndKeepsAllOtherBytes()
    {
        var (relay, output) = Run(Role + Content + Finish + Usage + Done);

        Assert.Equal(Role + Content + Finish + Done, output);
        Assert.Equal(new TokenUsage(9, 2, 4, 1), relay.Usage);
    }

    [Fact]
    public void Relay_ClientAsked_KeepsEverything()
    {
        var (_, output) = Run(Role + Content + Finish + Usage + Done, asksUsage: true);

        Assert.Equal(Role + Content + Finish + Usage + Done, output);
    }

    [Theory]
    [InlineData("")]
    [InlineData(Finish)]
    public void Relay_ClientAskedAndUsageCameWithTheFinish_GetsItsOwnChunk(string second)
    {
        const string Told = ",\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":2,\"total_tokens\":11,\"prompt_tokens_details\":{\"cached_tokens\":4},\"completion_tokens_details\":{\"reasoning_tokens\":1}}";

        var (relay, output) = Run(Role + Content + Finish.Replace("}]}", "}]" + Told + "}", StringComparison.Ordinal) + second + Done, asksUsage: true);

        Assert.Equal(Role + Content + Finish + second + Usage + Done, output);
        Assert.Equal(new TokenUsage(9, 2, 4, 1), relay.Usage);
    }

    [Fact]
    public void Relay_ClientAskedAndUsageCameTwice_HasOneChunkOfIt()
    {
        var (_, output) = Run(Role + Content + Finish.Replace("}]}", "}],\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":2}}", StringComparison.Ordinal) + Usage + Done, asksUsage: true);

        Assert.Equal(Role + Content + Finish + Usage + Done, output);
    }

    [Theory]
    [InlineData("""{"choices":[],"x":1,"usage":null}""", """{"choices":[],"x":1}""")]
    [InlineData("""{"usage":null,"choices":[{"index":0,"delta":{"content":"a"}}]}""", """{"choices":[{"index":0,"delta":{"content":"a"}}]}""")]
    [InlineData("""{"id":"1" , "usage" : {"prompt_tokens":1,"completion_tokens":1} , "choices":[{"index":0,"delta":{"content":"a"}}]}""", """{"id":"1"  , "choices":[{"index":0,"delta":{"content":"a"}}]}""")]
    [InlineData("""{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":1}}""", """{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}""")]
    [InlineData("""{"choices":[],"prompt_filter_results":[],"usage":{"prompt_tokens":1,"completion_tokens":1}}""", """{"choices":[],"prompt_filter_results":[]}""")]
    public void Relay_UsageBesideOtherMembers_IsCutOut(string chunk, string expected) =>
        Assert.Equal($"data: {expected}\n\n", Run($"data: {chunk}\n\n").Output.Replace(Done, "", StringComparison.Ordinal));

    [Fact]
    public void Relay_UsageInAnEventOfSeveralLines_IsCutOut() =>
        Assert.Equal(
            """data: {"choices":[{"index":0,"delta":{"content":"a"}}] }""" + "\n\n",
            Run("data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a\"}}]\ndata: ,\"usage\":null}\n\n").Output);

    [Theory]
    [InlineData(Role, false)]
    [InlineData(": ping\n\n", false)]
    [InlineData("data: {\"choices\":[]}\n\n", false)]
    [InlineData("data: {\"choices\":[{\"index\":0}]}\n\n", false)]
    [InlineData("data: {\"choices\":[{\"index\":0,\"delta\":null}]}\n\n", false)]
    [InlineData(Content, true)]
    [InlineData(Finish, true)]
    [InlineData("data: {\"choices\":[{\"index\":0,\"delta\":{\"reasoning_content\":\"t\"}}]}\n\n", true)]
    [InlineData("data: {\"choices\":[{\"index\":0,\"delta\":{\"reasoning\":\"t\"}}]}\n\n", true)]
    [InlineData("data: {\"choices\":[{\"index\":0,\"delta\":{\"refusal\":\"t\"}}]}\n\n", true)]
    [InlineData("data: {\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":[{\"index\":0,\"id\":\"c\",\"function\":{\"name\":\"f\",\"arguments\":\"\"}}]}}]}\n\n", true)]
    [InlineData("data: {\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":[]}}]}\n\n", false)]
    public void Relay_FirstToken_IsContentReasoningRefusalToolCallOrFinish(string wire, bool expected) =>
        Assert.Equal(expected, Run(wire).Relay.HasFirstToken);

    [Theory]
    [InlineData("data: {\"error\":{\"message\":\"boom\",\"type\":\"server_error\"}}\n\n")]
    [InlineData("data: {\"error\":{\"message\":\"boom\",\"code\":502},\"choices\":[{\"index\":0,\"delta\":{\"content\":\"\"},\"finish_reason\":\"error\"}]}\n\n")]
    [InlineData("data: {\"object\":\"error\",\"error\":\"boom\"}\n\n")]
    [InlineData("event: error\ndata: {\"message\":\"boom\"}\n\n")]
    public void Relay_ErrorEvent_IsNotPassedOn(string wire)
    {
        var (relay, output) = Run(Role + Content + wire + Done);

        Assert.Equal("boom", relay.Error!.Message);
        Assert.Equal(Role + Content, output);
    }

    [Fact]
    public void Relay_Garbage_IsAnError() => Assert.Equal(FailureReason.InvalidResponse, Run("data: <html>\n\n").Relay.Error!.Reason);

    [Theory]
    [InlineData(1_500_000)]
    [InlineData(20_000_000)]
    public void Relay_LongLine_GoesThroughWhole(int length)
    {
        var line = $$$"""data: {"choices":[{"index":0,"delta":{"content":"{{{new string('x', length)}}}"},"finish_reason":null}]}""" + "\n\n";

        var (relay, output) = Run(line + Finish + Done, split: length / 2);

        Assert.Null(relay.Error);
        Assert.True(line + Finish + Done == output);
    }

    [Fact]
    public void Relay_FinishWithoutDone_GetsDone() => Assert.Equal(Role + Content + Finish + Done, Run(Role + Content + Finish).Output);

    [Fact]
    public void Relay_LastEventWithoutBlankLine_IsClosed() => Assert.Equal(Content + Finish + Done, Run(Content + Finish.TrimEnd()).Output);

    [Fact]
    public void Relay_ClientAskedAndProviderGaveNoUsage_GetsTheEstimate()
    {
        var (relay, output) = Run(Role + Content + Finish + Done, asksUsage: true);

        Assert.Null(relay.Usage);
        Assert.Contains("""{"id":"c1","object":"chat.completion.chunk","created":1,"model":"m","choices":[],"usage":{"prompt_tokens":5,"completion_tokens":6,"total_tokens":11}}""", output);
        Assert.EndsWith(Done, output);
    }

    [Theory]
    [InlineData("""{"prompt_tokens":-1,"completion_tokens":2}""")]
    [InlineData("""{"prompt_tokens":1e18,"completion_tokens":2}""")]
    [InlineData("""{"prompt_tokens":"9","completion_tokens":2}""")]
    [InlineData("""{"prompt_tokens":0,"completion_tokens":0}""")]
    [InlineData("{}")]
    public void Relay_AbsurdUsage_CountsAsMissing(string usage) =>
        Assert.Null(Run($$"""data: {"choices":[],"usage":{{usage}}}""" + "\n\n").Relay.Usage);

    [Fact]
    public void Relay_SeveralChoices_FinishWhenAllHaveFinished()
    {
        const string Second = """data: {"choices":[{"index":1,"delta":{"content":"b"},"finish_reason":null}]}""" + "\n\n";

        Assert.False(Run(Content + Second + Finish).Relay.HasFinish);
        Assert.True(Run(Content + Second + Finish + """data: {"choices":[{"index":1,"delta":{},"finish_reason":"length"}]}""" + "\n\n").Relay.HasFinish);
    }

    [Theory]
    [InlineData("\n")]
    [InlineData("\r\n")]
    [InlineData("\r")]
    public void Relay_SplitAtEveryByte_IsTheSame(string lineEnd)
    {
        var wire = "\uFEFF" + (": OPENROUTER PROCESSING\n\n" + Role + Content + ": keep-alive\n\n" + Finish + Usage + Done).Replace("\n", lineEnd, StringComparison.Ordinal);
        var expected = Run(wire).Output;

        for (var split = 0; split < Encoding.UTF8.GetByteCount(wire); split++)
        {
            Assert.Equal(expected, Run(wire, split: split).Output);
        }
    }
}
