using LlmGateway.Model;
using LlmGateway.Providers;

namespace LlmGateway.Tests.Providers;

public sealed class OllamaDialectTests
{
    private const string Chat = """{"messages":[{"role":"user","content":"hi"}]}""";

    private readonly OllamaDialect _dialect = new(GoldenTime.Instance);

    [Theory]
    [InlineData("http://localhost:11434", "http://localhost:11434/api/chat")]
    [InlineData("http://localhost:11434/", "http://localhost:11434/api/chat")]
    [InlineData("http://localhost:11434/v1", "http://localhost:11434/api/chat")]
    [InlineData("http://localhost:11434/v1/", "http://localhost:11434/api/chat")]
    [InlineData("http://localhost:11434/api", "http://localhost:11434/api/chat")]
    [InlineData("https://models.example/ollama/api/", "https://models.example/ollama/api/chat")]
    public void CreateCall_BaseUrlAsPeopleWriteIt_FindsChat(string baseUrl, string expected)
    {
        var call = Create(RequestBuilder.From(Chat) with { BaseUrl = baseUrl });

        Assert.Equal(expected, call.Message!.RequestUri!.AbsoluteUri);
        Assert.Equal(HttpMethod.Post, call.Message.Method);
    }

    [Fact]
    public void CreateCall_NoBaseUrl_CannotCarry() => Assert.NotNull(Create(RequestBuilder.From(Chat) with { BaseUrl = null }).Unsupported);

    [Fact]
    public void CreateCall_NoKey_SendsNoAuthorization() => Assert.Null(Create(RequestBuilder.From(Chat)).Message!.Headers.Authorization);

    [Fact]
    public void CreateCall_KeyAndHeaders_SendsThem()
    {
        var call = Create(RequestBuilder.From(Chat) with { ApiKey = "k", Headers = [new("X-Team", "a")] });

        Assert.Equal("Bearer k", call.Message!.Headers.Authorization!.ToString());
        Assert.Equal("a", Assert.Single(call.Message.Headers.GetValues("X-Team")));
    }

    [Theory]
    [InlineData("not json")]
    [InlineData("[]")]
    [InlineData("{\"messages\":[{\"role\":\"user\",\"content\":\"\\uDC00\"}]}")]
    [InlineData("{\"messages\":[{\"role\":\"\\uD800\",\"content\":\"a\"}]}")]
    [InlineData("{\"messages\":[{\"role\":\"user\",\"content\":\"a\"}],\"stop\":\"a\",\"stop\":\"b\"}")]
    public void CreateCall_BodyThatIsNoSoundJson_RefusesWith400(string body)
    {
        var builder = RequestBuilder.From(body);
        var request = RequestBuilder.From(Chat).Build() with { Body = builder.Body };

        var call = _dialect.CreateCall(request, builder.Target(), TargetHabits.None);

        Assert.Equal((400, ErrorCodes.InvalidJson), (call.Error!.Status, call.Error.Code));
    }

    [Fact]
    public void CreateCall_InvalidUtf8_RefusesWith400()
    {
        byte[] body = [.. "{\"messages\":[{\"role\":\"user\",\"content\":\""u8, 0xC3, 0x28, .. "\"}]}"u8];
        var request = RequestBuilder.From(Chat).Build() with { Body = body };

        var call = _dialect.CreateCall(request, RequestBuilder.From(Chat).Target(), TargetHabits.None);

        Assert.Equal(ErrorCodes.InvalidJson, call.Error!.Code);
    }

    [Fact]
    public void CreateCall_AnyByteOfTheBodyBroken_NeverThrows()
    {
        BrokenBodies.AssertNeverThrow(_dialect, RequestBuilder.From(
            """{"messages":[{"role":"assistant","content":[{"type":"text","text":"é"}],"tool_calls":[{"id":"a","type":"function","function":{"name":"f","arguments":"{\"x\":\"\ud83d\ude00\"}"}}]}],"tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object","properties":{"a":{"$ref":"#/x"}}}}}],"stop":["a"],"temperature":1}"""));
    }

    [Fact]
    public void LearnFrom_RefusedThinking_IsNewsOnce()
    {
        var error = _dialect.ReadError(400, """{"error":"\"llama3.1\" does not support thinking"}"""u8);

        Assert.Equal(TargetHabits.RefusesThinking, _dialect.LearnFrom(error, RequestBuilder.From(Chat).Build(), TargetHabits.None));
        Assert.Equal(TargetHabits.None, _dialect.LearnFrom(error, RequestBuilder.From(Chat).Build(), TargetHabits.RefusesThinking));
    }

    [Fact]
    public void LearnFrom_OtherRefusal_IsNoNews() =>
        Assert.Equal(TargetHabits.None, _dialect.LearnFrom(new ProviderError(400, "model does not support tools"), RequestBuilder.From(Chat).Build(), TargetHabits.None));

    [Fact]
    public void Stream_WithoutUsage_HasCountedWhatWasSeen()
    {
        var stream = """
            {"message":{"role":"assistant","thinking":"Hmm","content":""}}
            {"message":{"role":"assistant","content":"hi"}}
            {"message":{"role":"assistant","content":"","tool_calls":[{"function":{"name":"f","arguments":{"city":"Zürich"}}}]}}
            """u8.ToArray();
        var request = RequestBuilder.From(Chat);

        var (_, translator) = GoldenStream.Run(_dialect.CreateStreamTranslator(request.Build(), request.Target()), stream, []);

        Assert.Equal(1 + 1 + 5, translator.TokensSeen);
    }

    [Fact]
    public void Stream_RandomBytes_NeverThrows()
    {
        var random = new Random(7);
        var sound = """{"message":{"role":"assistant","content":"é","tool_calls":[{"function":{"name":"f","arguments":{"a":1}}}]},"logprobs":[{"token":"a"}],"eval_count":3,"done_reason":"stop"}"""u8.ToArray();
        var request = RequestBuilder.From(Chat);

        for (var round = 0; round < 5000; round++)
        {
            var broken = sound.ToArray();
            broken[random.Next(broken.Length)] = (byte)random.Next(256);
            broken[random.Next(broken.Length)] = (byte)random.Next(256);

            GoldenStream.Run(_dialect.CreateStreamTranslator(request.Build(), request.Target()), broken, []);
            _dialect.ReadReply(broken, request.Build(), request.Target());
            _dialect.ReadError(500, broken);
        }
    }

    /// <summary>Comparing such a name with a known one makes the JSON reader throw another exception than for broken JSON.</summary>
    [Theory]
    [InlineData("""{"\ud800":1,"done":true}""")]
    [InlineData("""{"message":{"\udc00ontent":"a","thin\ud83dg":"b"},"done":true}""")]
    [InlineData("""{"done":true,"done_reason":"sto\ud83d"}""")]
    [InlineData("""{"err\ud800":"a"}""")]
    [InlineData("""{"logprobs":[{"to\ud800n":"a","toke\udc00":1}],"done":true}""")]
    public void Read_HalfSurrogateInAName_NeverThrows(string json)
    {
        var bytes = System.Text.Encoding.UTF8.GetBytes(json);
        var request = RequestBuilder.From(Chat);

        GoldenStream.Run(_dialect.CreateStreamTranslator(request.Build(), request.Target()), bytes, []);
        _dialect.ReadReply(bytes, request.Build(), request.Target());
        var error = _dialect.ReadError(500, bytes);

        Assert.Equal("", error.Message);
    }

    private ProviderCall Create(RequestBuilder builder) => _dialect.CreateCall(builder.Build(), builder.Target(), TargetHabits.None);
}
