using System.Text;
using System.Text.Json;
using LlmGateway.Model;
using LlmGateway.Providers;

namespace LlmGateway.Tests.Providers;

/// <summary>Signed thinking goes back to the provider with the tool's result, whole and in its place, or thinking is switched off.</summary>
public sealed class AnthropicThinkingTests
{
    private const string Question = """{"reasoning_effort":"low","messages":[{"role":"user","content":"hi"}]}""";

    private const string Continuation = """
        {"reasoning_effort":"low","messages":[{"role":"user","content":"hi"},
         {"role":"assistant","content":"I look.","tool_calls":[{"id":"t1","type":"function","function":{"name":"f","arguments":"{}"}},{"id":"t2","type":"function","function":{"name":"g","arguments":"{}"}}]},
         {"role":"tool","tool_call_id":"t1","content":"1"},{"role":"tool","tool_call_id":"t2","content":"2"}]}
        """;

    private const string Thought = """{"type":"thinking","thinking":"Hm \"é\\\ud83d\ude00","signature":"c2ln+/="}""";

    private readonly AnthropicDialect _dialect = new(GoldenTime.Instance, new ToolCallStates(GoldenTime.Instance));

    [Fact]
    public async Task Reply_WithThinking_IsGivenBackInOrder()
    {
        Reply($$$"""[{{{Thought}}},{"type":"redacted_thinking","data":"xx"},{"type":"text","text":"I look."},{"type":"tool_use","id":"t1","name":"f","input":{}},{"type":"thinking","thinking":"","signature":"two"},{"type":"tool_use","id":"t2","name":"g","input":{}}]""");

        var body = await SendAsync(Continuation);

        Assert.Equal("enabled", body.GetProperty("thinking").GetProperty("type").GetString());
        var blocks = body.GetProperty("messages")[1].GetProperty("content").EnumerateArray().ToList();
        Assert.Equal(["thinking", "redacted_thinking", "text", "tool_use", "thinking", "tool_use"], blocks.Select(block => block.GetProperty("type").GetString()));
        Assert.Equal(Thought, blocks[0].GetRawText());
        Assert.Equal("two", blocks[4].GetProperty("signature").GetString());
    }

    [Fact]
    public async Task Stream_WithThinking_IsGivenBackInOrder()
    {
        Stream("""
            {"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":"","signature":""}}
            {"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"Hm \"é\\\ud83d"}}
            {"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"\ude00"}}
            {"type":"content_block_delta","index":0,"delta":{"type":"signature_delta","signature":"c2ln+/="}}
            {"type":"content_block_stop","index":0}
            {"type":"content_block_start","index":1,"content_block":{"type":"redacted_thinking","data":"xx"}}
            {"type":"content_block_stop","index":1}
            {"type":"content_block_start","index":2,"content_block":{"type":"tool_use","id":"t1","name":"f","input":{}}}
            {"type":"content_block_stop","index":2}
            {"type":"content_block_start","index":3,"content_block":{"type":"tool_use","id":"t2","name":"g","input":{}}}
            {"type":"content_block_stop","index":3}
            {"type":"message_delta","delta":{"stop_reason":"tool_use"}}
            """);

        var body = await SendAsync(Continuation);

        var blocks = body.GetProperty("messages")[1].GetProperty("content").EnumerateArray().ToList();
        Assert.Equal(["thinking", "redacted_thinking", "text", "tool_use", "tool_use"], blocks.Select(block => block.GetProperty("type").GetString()));
        Assert.Equal(Thought, blocks[0].GetRawText());
    }

    [Fact]
    public async Task Reply_WithoutThinking_IsNoLossOfIt()
    {
        Reply("""[{"type":"tool_use","id":"t1","name":"f","input":{}},{"type":"tool_use","id":"t2","name":"g","input":{}}]""");

        var body = await SendAsync(Continuation);

        Assert.Equal("enabled", body.GetProperty("thinking").GetProperty("type").GetString());
    }

    [Theory]
    [InlineData("crm", "anthropic")]
    [InlineData("anonymous", "other")]
    public async Task Continuation_OfAnotherTenantOrProvider_IsMadeWithoutThinking(string tenant, string provider)
    {
        Reply($$$"""[{{{Thought}}},{"type":"tool_use","id":"t1","name":"f","input":{}}]""");

        var body = await SendAsync(Continuation, tenant, provider);

        Assert.Equal("disabled", body.GetProperty("thinking").GetProperty("type").GetString());
        Assert.Equal(["text", "tool_use", "tool_use"], body.GetProperty("messages")[1].GetProperty("content").EnumerateArray().Select(block => block.GetProperty("type").GetString()));
    }

    [Fact]
    public async Task Continuation_WithThinkingSwitchedOff_LeavesItOut()
    {
        Reply($$$"""[{{{Thought}}},{"type":"tool_use","id":"t1","name":"f","input":{}}]""");

        var body = await SendAsync(Continuation.Replace("\"low\"", "\"none\"", StringComparison.Ordinal));

        Assert.DoesNotContain("signature", body.GetRawText(), StringComparison.Ordinal);
    }

    private static RequestBuilder From(string body, string provider = "anthropic") => RequestBuilder.From(body) with { Provider = provider, Model = "claude-sonnet-4-5" };

    private void Reply(string content)
    {
        var builder = From(Question);
        var reply = _dialect.ReadReply(Encoding.UTF8.GetBytes($$"""{"content":{{content}},"stop_reason":"tool_use"}"""), builder.Build(), builder.Target());
        Assert.Null(reply.Error);
    }

    private void Stream(string events)
    {
        var builder = From(Question);
        var stream = string.Concat(events.Split('\n').Select(json => $"data: {json}\n\n"));
        var (_, translator) = GoldenStream.Run(_dialect.CreateStreamTranslator(builder.Build(), builder.Target()), Encoding.UTF8.GetBytes(stream), []);
        Assert.Null(translator.Error);
    }

    private async Task<JsonElement> SendAsync(string request, string tenant = "anonymous", string provider = "anthropic")
    {
        var builder = From(request, provider);
        var call = _dialect.CreateCall(builder.Build() with { Key = ClientKey.Anonymous with { Name = tenant } }, builder.Target(), TargetHabits.None);
        using var body = JsonDocument.Parse(await call.Message!.Content!.ReadAsByteArrayAsync(TestContext.Current.CancellationToken));
        return body.RootElement.Clone();
    }
}
