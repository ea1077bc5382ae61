using System.Text;
using System.Text.Json;
using LlmGateway.Model;
using LlmGateway.Providers;

namespace LlmGateway.Tests.Providers;

public sealed class AnthropicDialectTests
{
    private const string Chat = """{"messages":[{"role":"user","content":"hi"}]}""";

    private readonly AnthropicDialect _dialect = new(GoldenTime.Instance, new ToolCallStates(GoldenTime.Instance));

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("https://api.anthropic.com", "https://api.anthropic.com/v1/messages")]
    [InlineData("https://api.anthropic.com/", "https://api.anthropic.com/v1/messages")]
    [InlineData("https://api.anthropic.com/v1", "https://api.anthropic.com/v1/messages")]
    [InlineData("https://api.anthropic.com/v1/", "https://api.anthropic.com/v1/messages")]
    [InlineData("https://models.example/anthropic", "https://models.example/anthropic/v1/messages")]
    public void CreateCall_BaseUrlAsPeopleWriteIt_FindsMessages(string baseUrl, string expected)
    {
        var call = Create(RequestBuilder.From(Chat) with { BaseUrl = baseUrl });

        Assert.Equal(expected, call.Message!.RequestUri!.AbsoluteUri);
        Assert.Equal(HttpMethod.Post, call.Message.Method);
    }

    [Fact]
    public void CreateCall_NoBaseUrl_CannotCarry() => Assert.NotNull(Create(RequestBuilder.From(Chat) with { BaseUrl = null }).Unsupported);

    [Fact]
    public void CreateCall_Key_SendsItWithThePinnedVersion()
    {
        var headers = Create(RequestBuilder.From(Chat) with { ApiKey = "k", Headers = [new("anthropic-beta", "a,b")] }).Message!.Headers;

        Assert.Equal("k", Assert.Single(headers.GetValues("x-api-key")));
        Assert.Equal("2023-06-01", Assert.Single(headers.GetValues("anthropic-version")));
        Assert.Equal("a,b", Assert.Single(headers.GetValues("anthropic-beta")));
        Assert.Null(headers.Authorization);
    }

    [Theory]
    [InlineData("2026-10-21", false)]
    [InlineData("2023-06-01", true)]
    public async Task CreateCall_VersionWithoutSampling_NeverSendsIt(string version, bool isSent)
    {
        var builder = RequestBuilder.From("""{"messages":[{"role":"user","content":"hi"}],"temperature":0.5,"top_p":0.5,"top_k":5}""");
        var target = builder.Target();

        var call = _dialect.CreateCall(builder.Build(), target with { Provider = target.Provider with { ApiVersion = version } }, TargetHabits.None);

        using var body = JsonDocument.Parse(await call.Message!.Content!.ReadAsByteArrayAsync(Cancellation));
        Assert.Equal(version, Assert.Single(call.Message.Headers.GetValues("anthropic-version")));
        Assert.All(["temperature", "top_p", "top_k"], name => Assert.Equal(isSent, body.RootElement.TryGetProperty(name, out _)));
    }

    [Theory]
    [InlineData("`temperature` is deprecated for this model.", TargetHabits.RefusesTemperature)]
    [InlineData("`temperature` and `top_p` cannot both be specified for this model. Please use only one.", TargetHabits.RefusesTopP)]
    [InlineData("top_p: cannot be set", TargetHabits.RefusesTopP)]
    [InlineData("adaptive thinking is not supported on this model", TargetHabits.RefusesThinking)]
    [InlineData("thinking: Input tag 'adaptive' found using 'type' does not match any of the expected tags", TargetHabits.RefusesThinking)]
    [InlineData("messages.1.content.0.type: Expected `thinking` or `redacted_thinking`, but found `tool_use`", TargetHabits.None)]
    [InlineData("tools.0.custom.name: 'temperature probe' is no name", TargetHabits.None)]
    public void LearnFrom_Refusal_TellsWhatToLeaveOut(string message, TargetHabits expected)
    {
        var error = new ProviderError(400, message);
        var request = RequestBuilder.From(Chat).Build();

        Assert.Equal(expected, _dialect.LearnFrom(error, request, TargetHabits.None));
        Assert.Equal(TargetHabits.None, _dialect.LearnFrom(error, request, expected));
        Assert.Equal(TargetHabits.None, _dialect.LearnFrom(error with { Status = 500 }, request, TargetHabits.None));
    }

    [Theory]
    [InlineData("\"temperature\":0.5", TargetHabits.RefusesTopP)]
    [InlineData("\"top_p\":0.5", TargetHabits.RefusesTemperature)]
    [InlineData("\"temperature\":0.5,\"top_p\":0.5", TargetHabits.None)]
    public void LearnFrom_PairRefused_LeavesOutTheProfiles(string own, TargetHabits expected)
    {
        var error = new ProviderError(400, "`temperature` and `top_p` cannot both be specified for this model.");

        Assert.Equal(expected, _dialect.LearnFrom(error, RequestBuilder.From(Chat.Replace("{\"messages\"", $"{{{own},\"messages\"", StringComparison.Ordinal)).Build(), TargetHabits.None));
    }

    [Fact]
    public async Task CreateCall_IdsAlikeButForOneLetter_StayApart()
    {
        var builder = RequestBuilder.From("""
            {"messages":[{"role":"assistant","tool_calls":[{"id":"a.1","function":{"name":"f"}},{"id":"a:1","function":{"name":"f"}}]},
             {"role":"tool","tool_call_id":"a:1","content":"second"},{"role":"tool","tool_call_id":"a.1","content":"first"}]}
            """);

        using var body = JsonDocument.Parse(await Create(builder).Message!.Content!.ReadAsByteArrayAsync(Cancellation));
        var turns = body.RootElement.GetProperty("messages").EnumerateArray().Select(turn => turn.GetProperty("content").EnumerateArray().ToList()).ToList();

        var calls = turns[1].Select(block => block.GetProperty("id").GetString()).ToList();
        var results = turns[2].Select(block => (block.GetProperty("tool_use_id").GetString(), block.GetProperty("content").GetString())).ToList();
        Assert.All(calls, id => Assert.Matches("^[a-zA-Z0-9_-]{1,64}$", id));
        Assert.Equal([(calls[1], "second"), (calls[0], "first")], results);
    }

    [Theory]
    [InlineData("claude-2.1", true, true, false, false, false)]
    [InlineData("claude-3-haiku-20240307", true, true, false, false, false)]
    [InlineData("claude-3-7-sonnet-latest", true, true, false, true, false)]
    [InlineData("claude-sonnet-4-20250514", true, true, false, true, false)]
    [InlineData("anthropic.claude-opus-4-1-20250805-v1:0", true, false, true, true, false)]
    [InlineData("claude-sonnet-4-5@20250929", true, false, true, true, false)]
    [InlineData("claude-opus-4-6", true, false, true, true, true)]
    [InlineData("claude-opus-4-7", false, false, true, true, true)]
    [InlineData("claude-sonnet-5", false, false, true, true, true)]
    [InlineData("claude-next", false, false, true, true, true)]
    [InlineData("MiniMax-M2", true, true, false, true, false)]
    public void Model_ByItsName_IsKnownByWhatItTakes(string name, bool sampling, bool both, bool schema, bool thinks, bool byEffort)
    {
        var model = AnthropicModel.Of(name);

        Assert.Equal((sampling, both, schema, thinks, byEffort), (model.TakesSampling, model.TakesTemperatureWithTopP, model.TakesSchema, model.Thinks, model.ThinksByEffort));
    }

    [Theory]
    [InlineData("not json")]
    [InlineData("[]")]
    [InlineData("{\"messages\":[{\"role\":\"user\",\"content\":\"\\uDC00\"}]}")]
    [InlineData("{\"messages\":[{\"role\":\"user\",\"content\":\"a\"}],\"stop\":\"a\",\"stop\":\"b\"}")]
    public void CreateCall_BodyThatIsNoSoundJson_RefusesWith400(string body)
    {
        var request = RequestBuilder.From(Chat).Build() with { Body = Encoding.UTF8.GetBytes(body) };

        var call = _dialect.CreateCall(request, RequestBuilder.From(Chat).Target(), TargetHabits.None);

        Assert.Equal((400, ErrorCodes.InvalidJson), (call.Error!.Status, call.Error.Code));
    }

    [Fact]
    public void CreateCall_AnyByteOfTheBodyBroken_NeverThrows()
    {
        BrokenBodies.AssertNeverThrow(_dialect, RequestBuilder.From(
            """{"messages":[{"role":"system","content":"s"},{"role":"user","content":[{"type":"image_url","image_url":{"url":"data:image/png;base64,aGk="}},{"type":"file","file":{"file_data":"data:text/plain;base64,aGk=","filename":"n"}}]},{"role":"assistant","content":[{"type":"text","text":"é"}],"tool_calls":[{"id":"a","type":"function","function":{"name":"f","arguments":"{\"x\":\"\ud83d\ude00\"}"}}]},{"role":"tool","tool_call_id":"a","content":"1"}],"tools":[{"type":"function","function":{"name":"f","parameters":{"properties":{}}}}],"tool_choice":"auto","stop":["a"],"temperature":1,"max_tokens":5,"reasoning_effort":"low","response_format":{"type":"json_schema","json_schema":{"schema":{}}}}"""));
    }

    [Fact]
    public void Read_RandomBytes_NeverThrows()
    {
        var random = new Random(7);
        var request = RequestBuilder.From(Chat);
        byte[][] sound =
        [
            .. new[]
            {
                """{"type":"message_start","message":{"usage":{"input_tokens":1,"output_tokens":1}}}""",
                """{"type":"content_block_start","index":0,"content_block":{"type":"tool_use","id":"t\ud83d","name":"f","input":{"a":1}}}""",
                """{"type":"content_block_delta","index":0,"delta":{"type":"input_json_delta","partial_json":"{é"}}""",
                """{"type":"message_delta","delta":{"stop_reason":"refusal","stop_details":{"explanation":"x"}},"usage":{"output_tokens":3}}""",
            }.Select(Encoding.UTF8.GetBytes),
        ];
        var reply = """{"content":[{"type":"text","text":"é"},{"type":"thinking","thinking":"a","signature":"s"},{"type":"tool_use","id":"t","name":"f","input":{"a":[1]}}],"stop_reason":"tool_use","usage":{"input_tokens":1,"output_tokens":2}}"""u8.ToArray();

        for (var round = 0; round < 3000; round++)
        {
            byte[] stream = [.. sound.SelectMany(json => (byte[])[.. "data: "u8, .. Break(json), .. "\n\n"u8])];
            GoldenStream.Run(_dialect.CreateStreamTranslator(request.Build(), request.Target()), stream, []);
            _dialect.ReadReply(Break(reply), request.Build(), request.Target());
            _dialect.ReadError(400, Break(reply));
        }

        byte[] Break(byte[] json)
        {
            var broken = json.ToArray();
            broken[random.Next(broken.Length)] = (byte)random.Next(256);
            return broken;
        }
    }

    [Fact]
    public void Stream_Cut_TellsTheInputAndCountsTheOutput()
    {
        var stream = """
            data: {"type":"message_start","message":{"usage":{"input_tokens":4,"cache_read_input_tokens":90,"output_tokens":1}}}

            data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"hi"}}

            data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":" you"}}


            """u8.ToArray();
        var request = RequestBuilder.From(Chat);

        var (_, translator) = GoldenStream.Run(_dialect.CreateStreamTranslator(request.Build(), request.Target()), stream, []);

        Assert.Equal(new TokenUsage(94, 2, 90, IsEstimated: true), translator.Usage);
    }

    private ProviderCall Create(RequestBuilder builder) => _dialect.CreateCall(builder.Build(), builder.Target(), TargetHabits.None);
}
