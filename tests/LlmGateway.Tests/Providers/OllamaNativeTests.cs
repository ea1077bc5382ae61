using System.Text;
using LlmGateway.Model;
using LlmGateway.Providers;

namespace LlmGateway.Tests.Providers;

/// <summary>Ollama's form on both ends: what is spliced into the client's own body, and that the provider's own bytes come back.</summary>
public sealed class OllamaNativeTests
{
    private const string Messages = """ "messages":[ {"role":"user", "content":"h\u00e9", "mood":{"x":1.50}} ]""";

    private readonly OllamaDialect _dialect = new(GoldenTime.Instance);

    [Theory]
    [InlineData(
        """{"model":"agent:a", "myOwn":[1.0e+2,-0.0,12345678901234567890,{"a":null}],"options":{"top_k":5.0,"odd":"x"},"stream" : false,"keep_alive":-1,""" + Messages + "}",
        """{"model":"test-model", "myOwn":[1.0e+2,-0.0,12345678901234567890,{"a":null}],"options":{"top_k":5.0,"odd":"x"},"stream" : false,"keep_alive":-1,""" + Messages + "}")]
    [InlineData(
        """{"stream":null,"model":"test-model",""" + Messages + "}",
        """{"stream":true,"model":"test-model",""" + Messages + "}")]
    [InlineData(
        """{"model":"m","options":{"stop":"END"},""" + Messages + "}",
        """{"stream":true,"model":"test-model","options":{"stop":["END"]},""" + Messages + "}")]
    public async Task Body_NoProfile_OnlyWhatMustChangeIsSpliced(string body, string expected) =>
        Assert.Equal(expected, await SentAsync(Native(body)));

    [Theory]
    [InlineData(
        """{"model":"m","stream":true,""" + Messages + "}",
        """{"think":"high","options":{"temperature":0.10,"top_p":0.9,"num_predict":50,"seed":7,"stop":["a"]},"model":"test-model","stream":true, "messages":[{"role":"system","content":"Be \"kind\"."}, {"role":"user", "content":"h\u00e9", "mood":{"x":1.50}} ]}""")]
    [InlineData(
        """{"model":"m","stream":true,"think":false,"options":{"temperature":1e0,"num_predict":-1,"seed":null,"stop":["b"]},""" + Messages + "}",
        """{"model":"test-model","stream":true,"think":false,"options":{"top_p":0.9,"temperature":1e0,"num_predict":-1,"seed":7,"stop":["b"]}, "messages":[{"role":"system","content":"Be \"kind\"."}, {"role":"user", "content":"h\u00e9", "mood":{"x":1.50}} ]}""")]
    [InlineData(
        """{"model":"m","stream":true,"think":true,"options":{},""" + Messages + "}",
        """{"model":"test-model","stream":true,"think":true,"options":{"temperature":0.10,"top_p":0.9,"num_predict":50,"seed":7,"stop":["a"]}, "messages":[{"role":"system","content":"Be \"kind\"."}, {"role":"user", "content":"h\u00e9", "mood":{"x":1.50}} ]}""")]
    public async Task Body_Profile_FillsWhatTheClientLeftOut(string body, string expected) => Assert.Equal(expected, await SentAsync(Native(body) with
    {
        SystemPrompt = "Be \"kind\".",
        Sampling = new SamplingDefaults { Temperature = "0.10", TopP = "0.9", MaxTokens = "50", Seed = "7", Stop = "\"a\"", ReasoningEffort = "\"high\"" },
    }));

    [Theory]
    [InlineData("", "\"format\":\"json\",", "")]
    [InlineData("\"format\":\"\",", "", "\"format\":\"json\",")]
    public async Task Body_ProfileWantsJson_SaysSo(string own, string added, string replaced) => Assert.Equal(
        $$"""{{{added}}"model":"test-model",{{replaced}}"stream":true,"messages":[{"role":"system","content":"Answer with one valid JSON object and nothing else."},{"role":"user","content":"a"}]}""",
        await SentAsync(Native($$"""{"model":"m",{{own}}"stream":true,"messages":[{"role":"user","content":"a"}]}""") with { Sampling = new SamplingDefaults { WantsJson = true } }));

    [Theory]
    [InlineData("""{"model":"m","stream":true,"prompt":"p","context":[1,2],"template":"t"}""", """{"system":"S","model":"test-model","stream":true,"prompt":"p","context":[1,2],"template":"t"}""")]
    [InlineData("""{"model":"m","stream":true,"system":"o\u0077n","prompt":"p"}""", """{"model":"test-model","stream":true,"system":"S\n\no\u0077n","prompt":"p"}""")]
    [InlineData("""{"model":"m","stream":true,"system":"","prompt":"p"}""", """{"model":"test-model","stream":true,"system":"S","prompt":"p"}""")]
    public async Task Prompt_GoesToGenerateBehindTheProfilesSystemPrompt(string body, string expected)
    {
        var builder = Native(body) with { SystemPrompt = "S" };

        Assert.Equal(expected, await SentAsync(builder, "/api/generate"));
    }

    [Theory]
    [InlineData("\"raw\":true")]
    [InlineData("\"suffix\":\"s\"")]
    public async Task RawPrompt_TakesNoSystemPrompt(string member)
    {
        var body = $$"""{"model":"test-model","stream":true,"prompt":"p",{{member}}}""";

        Assert.Equal(body, await SentAsync(Native(body), "/api/generate"));
        var builder = Native(body) with { SystemPrompt = "S" };
        Assert.NotNull(_dialect.CreateCall(Request(builder, "/api/generate"), builder.Target(), TargetHabits.None).Unsupported);
    }

    [Fact]
    public async Task Body_ModelRefusesToThink_IsNotAskedTo() => Assert.Equal(
        """{"model":"test-model","stream":true,"think":false,"messages":[{"role":"user","content":"a"}]}""",
        await SentAsync(Native("""{"model":"m","stream":true,"think":"high","messages":[{"role":"user","content":"a"}]}"""), habits: TargetHabits.RefusesThinking));

    [Fact]
    public void Body_AnyByteBroken_NeverThrows()
    {
        var sound = Native("""{"model":"m","stream":true,"think":"high","options":{"stop":"a","seed":null},"system":"\ud83d\ude00","suffix":"x","messages":[{"role":"user","content":"é"}]}""") with { SystemPrompt = "S" };
        for (var at = 0; at < sound.Body.Length; at++)
        {
            foreach (var value in (ReadOnlySpan<byte>)[0, (byte)'"', (byte)'\\', (byte)'{', (byte)'1', 0xFF])
            {
                var broken = sound.Body.ToArray();
                broken[at] = value;

                var call = _dialect.CreateCall(Request(sound, "/api/chat") with { ClientBody = broken }, sound.Target(), TargetHabits.None);

                Assert.True(call.Message is not null || call.Error is { Status: 400 } || call.Unsupported is not null);
            }
        }
    }

    [Theory]
    [InlineData(
        "{\"model\":\"x\",\"message\":{\"role\":\"assistant\",\"content\":\"\",\"thinking\":\"h\\u006d\"},\"done\":false}\r\n"
        + "{\"message\": {\"content\":\"hé\",\"n\":1.0e+0},\"own\":-0.0}\n{\"message\":{\"content\":\"\",\"tool_calls\":[{\"function\":{\"name\":\"f\",\"arguments\":{\"a\":1.0}}}]}}\n",
        "{\"done\":true,\"done_reason\":\"stop\",\"prompt_eval_count\":9,\"eval_count\":2,\"context\":[1]}")]
    [InlineData(
        "{\"response\":\"\",\"thinking\":\"hm\",\"done\":false}\n{\"response\":\"a\",\"done\":false}\n",
        "{\"response\":\"\",\"done\":true,\"done_reason\":\"length\",\"context\":[1,2],\"prompt_eval_count\":9,\"eval_count\":2}")]
    public void Stream_SplitAnywhere_PassesAsItIs(string open, string last)
    {
        var request = Request(Native("""{"model":"m","stream":true,"messages":[{"role":"user","content":"a"}]}"""), "/api/chat");
        var stream = Encoding.UTF8.GetBytes(open + last);
        for (var cut = 0; cut <= stream.Length; cut++)
        {
            var (output, translator) = GoldenStream.Run(_dialect.CreateStreamTranslator(request, Native("{}").Target()), stream, cut == stream.Length ? [.. Enumerable.Range(1, cut - 1)] : [cut]);

            Assert.Equal(open + last + "\n", Encoding.UTF8.GetString(output));
            Assert.Equal((true, true, true, new TokenUsage(9, 2)), (translator.HasFirstToken, translator.HasFinish, translator.IsDone, translator.Usage));
        }
    }

    [Theory]
    [InlineData("{\"response\":\"a\",\"done\":false}\n{\"error\":\"out of memory\"}\n", true)]
    [InlineData("{\"error\":\"out of memory\"}\n", false)]
    public void Stream_WithAnError_KeepsItBack(string wire, bool hasFirstToken)
    {
        var request = Request(Native("""{"model":"m","stream":true,"messages":[{"role":"user","content":"a"}]}"""), "/api/chat");
        var stream = Encoding.UTF8.GetBytes(wire);
        for (var cut = 0; cut < stream.Length; cut++)
        {
            var (output, translator) = GoldenStream.Run(_dialect.CreateStreamTranslator(request, Native("{}").Target()), stream, [cut]);

            Assert.Equal("out of memory", translator.Error?.Message);
            Assert.Equal(hasFirstToken, translator.HasFirstToken);
            Assert.DoesNotContain("error", Encoding.UTF8.GetString(output), StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("""{ "message":{"role":"assistant","content":"hi"},"done":true,"prompt_eval_count":9,"eval_count":2,"own":1.0e+0}""", true)]
    [InlineData("""{ "response":"hi","done":true,"context":[1],"prompt_eval_count":9,"eval_count":2}""", true)]
    [InlineData("""{"response":"hi","done":false}""", false)]
    [InlineData("""{"error":"no"}""", false)]
    public void Reply_PassesAsItIsWhenItIsWhole(string json, bool isWhole)
    {
        var request = Request(Native("""{"model":"m","stream":false,"prompt":"p"}"""), "/api/generate");

        var reply = _dialect.ReadReply(Encoding.UTF8.GetBytes(json), request, Native("{}").Target());

        Assert.Equal(isWhole, reply.Error is null);
        if (isWhole)
        {
            Assert.Equal(json, Encoding.UTF8.GetString(reply.Body.Span));
            Assert.Equal((new TokenUsage(9, 2), 2), (reply.Usage, reply.OutputBytes));
        }
    }

    private async Task<string> SentAsync(RequestBuilder builder, string path = "/api/chat", TargetHabits habits = TargetHabits.None)
    {
        var call = _dialect.CreateCall(Request(builder, path), builder.Target(), habits);
        Assert.Equal(path, call.Message!.RequestUri!.AbsolutePath);
        return await call.Message.Content!.ReadAsStringAsync(TestContext.Current.CancellationToken);
    }

    private static RequestBuilder Native(string body) => RequestBuilder.From(body) with { Provider = "ollama" };

    /// <summary>The translated body is of no account here: any chat will do.</summary>
    private static GatewayRequest Request(RequestBuilder builder, string path) =>
        (builder with { Body = Encoding.UTF8.GetBytes("""{"model":"m","messages":[{"role":"user","content":"a"}]}""") }).Build() with
        {
            Surface = "test",
            NativeForm = new NativeForm("ollama", path),
            ClientBody = builder.Body,
        };
}
