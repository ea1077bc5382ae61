using System.Text;
using System.Text.Json;
using LlmGateway.Model;
using LlmGateway.Providers;

namespace LlmGateway.Tests.Providers;

public sealed class GeminiDialectTests
{
    private const string Chat = """{"messages":[{"role":"user","content":"hi"}]}""";
    private const string Streamed = """{"stream":true,"messages":[{"role":"user","content":"hi"}]}""";

    private readonly ToolCallStates _states = new(TimeProvider.System);

    private GeminiDialect Dialect => new(GoldenTime.Instance, _states);

    [Theory]
    [InlineData("https://generativelanguage.googleapis.com", "https://generativelanguage.googleapis.com/v1beta/models/gemini-2.5-flash:generateContent")]
    [InlineData("https://generativelanguage.googleapis.com/v1beta/", "https://generativelanguage.googleapis.com/v1beta/models/gemini-2.5-flash:generateContent")]
    [InlineData("https://generativelanguage.googleapis.com/v1beta/openai/", "https://generativelanguage.googleapis.com/v1beta/models/gemini-2.5-flash:generateContent")]
    [InlineData("https://generativelanguage.googleapis.com/v1", "https://generativelanguage.googleapis.com/v1/models/gemini-2.5-flash:generateContent")]
    [InlineData("https://proxy.example/google/", "https://proxy.example/google/v1beta/models/gemini-2.5-flash:generateContent")]
    public void CreateCall_BaseUrlAsPeopleWriteIt_FindsTheModel(string baseUrl, string expected) =>
        Assert.Equal(expected, Create(Request(Chat) with { BaseUrl = baseUrl }).Message!.RequestUri!.AbsoluteUri);

    [Theory]
    [InlineData("models/gemini-2.5-pro", "/v1beta/models/gemini-2.5-pro:generateContent")]
    [InlineData("tunedModels/mine", "/v1beta/tunedModels/mine:generateContent")]
    [InlineData("../../v1/files", "/v1beta/models/..%2F..%2Fv1%2Ffiles:generateContent")]
    [InlineData("..", "/v1beta/models/..:generateContent")]
    [InlineData("a?key=x#y", "/v1beta/models/a%3Fkey%3Dx%23y:generateContent")]
    [InlineData("a%2Fb:delete", "/v1beta/models/a%252Fb%3Adelete:generateContent")]
    public void CreateCall_ModelName_StaysOneStepOfThePath(string model, string expected) =>
        Assert.Equal(expected, Create(Request(Chat) with { Model = model }).Message!.RequestUri!.PathAndQuery);

    [Fact]
    public void CreateCall_Stream_AsksForEvents() =>
        Assert.Equal("/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse", Create(Request(Streamed)).Message!.RequestUri!.PathAndQuery);

    [Fact]
    public void CreateCall_Key_GoesIntoItsHeaderAlone()
    {
        var message = Create(Request(Chat) with { ApiKey = "k-1", Headers = [new("X-Team", "a")] }).Message!;

        Assert.Equal("k-1", Assert.Single(message.Headers.GetValues("x-goog-api-key")));
        Assert.Equal("a", Assert.Single(message.Headers.GetValues("X-Team")));
        Assert.Null(message.Headers.Authorization);
        Assert.DoesNotContain("k-1", message.RequestUri!.AbsoluteUri, StringComparison.Ordinal);
    }

    [Fact]
    public void CreateCall_NoBaseUrl_CannotCarry() => Assert.NotNull(Create(Request(Chat) with { BaseUrl = null }).Unsupported);

    [Theory]
    [InlineData("not json")]
    [InlineData("[]")]
    [InlineData("{\"messages\":[{\"role\":\"user\",\"content\":\"\\uDC00\"}]}")]
    [InlineData("{\"messages\":[{\"role\":\"user\",\"content\":\"a\"}],\"stop\":\"a\",\"stop\":\"b\"}")]
    public void CreateCall_BodyThatIsNoSoundJson_RefusesWith400(string body)
    {
        var request = Request(Chat).Build() with { Body = Encoding.UTF8.GetBytes(body) };

        var call = Dialect.CreateCall(request, Request(Chat).Target(), TargetHabits.None);

        Assert.Equal((400, ErrorCodes.InvalidJson), (call.Error!.Status, call.Error.Code));
    }

    [Fact]
    public void CreateCall_AnyByteOfTheBodyBroken_NeverThrows() =>
        BrokenBodies.AssertNeverThrow(Dialect, Request(
            """{"messages":[{"role":"system","content":"s"},{"role":"user","content":[{"type":"image_url","image_url":{"url":"data:image/png;base64,aGk="}}]},{"role":"assistant","content":[{"type":"text","text":"é"}],"tool_calls":[{"id":"a","type":"function","function":{"name":"f","arguments":"{\"x\":\"\ud83d\ude00\"}"}}]},{"role":"tool","tool_call_id":"a","content":"1"}],"tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object","properties":{"a":{"type":["string","null"]}}}}}],"tool_choice":"auto","stop":["a"],"temperature":1,"max_tokens":5,"reasoning_effort":"low","response_format":{"type":"json_schema","json_schema":{"schema":{}}}}"""));

    /// <summary>It used to come back on no part, or on each: both are refused.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Signatures_of_calls_and_text_come_back_on_the_same_parts(bool isStreamed)
    {
        const string Parts = """{"text":"so","thoughtSignature":"dGV4dA=="},{"functionCall":{"name":"f","args":{}},"thoughtSignature":"c2ln"},{"functionCall":{"id":"own","name":"g","args":{}}}""";
        var ids = Answer($$$"""{"candidates":[{"content":{"role":"model","parts":[{{{Parts}}}]},"finishReason":"STOP"}]}""", isStreamed);

        var body = await SendHistoryAsync(ids, "gemini-3-pro-preview");

        var parts = body.GetProperty("contents")[1].GetProperty("parts");
        Assert.Equal("dGV4dA==", parts[0].GetProperty("thoughtSignature").GetString());
        Assert.Equal("c2ln", parts[1].GetProperty("thoughtSignature").GetString());
        Assert.False(parts[2].TryGetProperty("thoughtSignature", out _));
        Assert.False(parts[1].GetProperty("functionCall").TryGetProperty("id", out _));
        Assert.Equal("own", parts[2].GetProperty("functionCall").GetProperty("id").GetString());
        Assert.Equal("own", body.GetProperty("contents")[2].GetProperty("parts")[1].GetProperty("functionResponse").GetProperty("id").GetString());
    }

    [Fact]
    public async Task Signatures_of_another_tenant_are_not_found()
    {
        var ids = Answer("""{"candidates":[{"content":{"parts":[{"functionCall":{"id":"a","name":"f"},"thoughtSignature":"c2ln"},{"functionCall":{"id":"b","name":"g"}}]},"finishReason":"STOP"}]}""", isStreamed: false);

        var body = await SendHistoryAsync(ids, "gemini-3-pro-preview", ClientKey.Anonymous with { Name = "other" });

        var part = body.GetProperty("contents")[1].GetProperty("parts")[1];
        Assert.Equal("skip_thought_signature_validator", part.GetProperty("thoughtSignature").GetString());
        Assert.False(part.GetProperty("functionCall").TryGetProperty("id", out _));
    }

    [Fact]
    public void Stream_that_repeats_a_call_id_gives_each_call_its_own()
    {
        const string Call = """{"functionCall":{"id":"same","name":"f"}}""";

        var ids = Answer($$$"""{"candidates":[{"content":{"parts":[{{{Call}}},{{{Call}}}]},"finishReason":"STOP"}]}""", isStreamed: false);

        Assert.Equal("same", ids[0]);
        Assert.StartsWith("call_", ids[1], StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("37s", 37.0)]
    [InlineData("1.5s", 1.5)]
    [InlineData("soon", null)]
    public void ReadError_RetryInfo_BecomesRetryAfter(string delay, double? seconds)
    {
        var body = $$$"""[{"error":{"code":429,"message":"m","status":"RESOURCE_EXHAUSTED","details":[{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"{{{delay}}}"}]}}]""";

        Assert.Equal(seconds, Dialect.ReadError(429, Encoding.UTF8.GetBytes(body)).RetryAfter?.TotalSeconds);
    }

    [Fact]
    public void LearnFrom_ThinkingRefused_LearnsOnce()
    {
        var error = Dialect.ReadError(400, """{"error":{"code":400,"message":"Thinking level is not supported for this model.","status":"INVALID_ARGUMENT"}}"""u8);

        IProviderDialect dialect = Dialect;
        Assert.Equal(TargetHabits.RefusesThinking, dialect.LearnFrom(error, Request(Chat).Build(), TargetHabits.None));
        Assert.Equal(TargetHabits.None, dialect.LearnFrom(error, Request(Chat).Build(), TargetHabits.RefusesThinking));
        Assert.Equal(TargetHabits.None, dialect.LearnFrom(new ProviderError(400, "Invalid function name: thinking!"), Request(Chat).Build(), TargetHabits.None));
    }

    [Theory]
    [InlineData("gemini-2.5-flash", 25, false)]
    [InlineData("gemini-2.0-flash-001", 20, false)]
    [InlineData("gemini-3-pro-preview-11-2025", 30, true)]
    [InlineData("models/gemini-3.1-pro", 31, true)]
    [InlineData("gemini-pro-latest", 30, true)]
    [InlineData("gemini-embedding-001", 0, false)]
    [InlineData("gemma-3-27b-it", 0, false)]
    public void Model_names_tell_their_generation(string name, int generation, bool isPro) => Assert.Equal(new GeminiModel(generation, isPro), GeminiModel.Of(name));

    /// <summary>Whatever a provider sends, a dialect does not throw.</summary>
    [Theory]
    [InlineData("null")]
    [InlineData("[]")]
    [InlineData("[1]")]
    [InlineData("{\"candidates\":[null,1,{}]}")]
    [InlineData("{\"candidates\":{}}")]
    [InlineData("{\"candidates\":[{\"content\":{\"parts\":[null,{\"text\":1},{\"functionCall\":{\"name\":\"\\ud800\"}}]},\"finishReason\":1}]}")]
    [InlineData("{\"candidates\":[{\"content\":[],\"finishReason\":\"STOP\"}],\"usageMetadata\":{\"promptTokenCount\":-1,\"candidatesTokenCount\":1e99}}")]
    [InlineData("{\"error\":1}")]
    [InlineData("{\"error\":{\"code\":\"x\",\"details\":[1,{\"retryDelay\":5}]}}")]
    [InlineData("{\"candidates\":[{\"content\":{\"parts\":[{\"\\ud800\":1}]}}]}")]
    public void Odd_answers_do_not_throw(string json)
    {
        var request = Request(Streamed).Build();
        var bytes = Encoding.UTF8.GetBytes(json);

        Dialect.ReadError(500, bytes);
        Dialect.ReadReply(bytes, request, Request(Streamed).Target());
        GoldenStream.Run(Dialect.CreateStreamTranslator(request, Request(Streamed).Target()), Encoding.UTF8.GetBytes($"data: {json}\n\n"), []);
    }

    private static RequestBuilder Request(string body) => RequestBuilder.From(body) with { Provider = "gemini", BaseUrl = "https://generativelanguage.googleapis.com", Model = "gemini-2.5-flash" };

    private ProviderCall Create(RequestBuilder builder) => Dialect.CreateCall(builder.Build(), builder.Target(), TargetHabits.None);

    /// <summary>Has the dialect read an answer, and gives the ids of its calls as the client gets them.</summary>
    private string[] Answer(string json, bool isStreamed)
    {
        if (!isStreamed)
        {
            using var reply = JsonDocument.Parse(Dialect.ReadReply(Encoding.UTF8.GetBytes(json), Request(Chat).Build(), Request(Chat).Target()).Body);
            return [.. reply.RootElement.GetProperty("choices")[0].GetProperty("message").GetProperty("tool_calls").EnumerateArray().Select(call => call.GetProperty("id").GetString()!)];
        }

        var translator = Dialect.CreateStreamTranslator(Request(Streamed).Build(), Request(Streamed).Target());
        var events = Encoding.UTF8.GetString(GoldenStream.Run(translator, Encoding.UTF8.GetBytes($"data: {json}\r\n\r\n"), []).Output).Split("\n\n");
        return
        [
            .. from line in events
               where line.Contains("\"tool_calls\":[", StringComparison.Ordinal)
               let call = JsonDocument.Parse(line["data: ".Length..]).RootElement.GetProperty("choices")[0].GetProperty("delta").GetProperty("tool_calls")[0]
               where call.TryGetProperty("id", out _)
               select call.GetProperty("id").GetString()!,
        ];
    }

    private async Task<JsonElement> SendHistoryAsync(string[] ids, string model, ClientKey? key = null)
    {
        var builder = Request($$$"""
            {"messages":[{"role":"user","content":"go"},
              {"role":"assistant","content":"so","tool_calls":[{"id":"{{{ids[0]}}}","type":"function","function":{"name":"f","arguments":"{}"}},{"id":"{{{ids[1]}}}","type":"function","function":{"name":"g","arguments":"{}"}}]},
              {"role":"tool","tool_call_id":"{{{ids[0]}}}","content":"1"},{"role":"tool","tool_call_id":"{{{ids[1]}}}","content":"2"}]}
            """) with { Model = model };
        var call = Dialect.CreateCall(builder.Build() with { Key = key ?? ClientKey.Anonymous }, builder.Target(), TargetHabits.None);
        using var document = JsonDocument.Parse(await call.Message!.Content!.ReadAsByteArrayAsync(TestContext.Current.CancellationToken));
        return document.RootElement.Clone();
    }
}
